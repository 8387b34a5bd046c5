// SPDX-License-Identifier: Apache-2.0
#include "report/charts/chart.h"

#include <gtest/gtest.h>

#include <cmath>

namespace cawe::report {
namespace {

TEST(Chart, SvgIsEscapedAndNamesItsSeries) {
  FrocLine line{"a <b> & c", {{0, .2}, {1, .5}, {9, .8}}, {0, 1}, {.1, .3}, {.3, .7}};
  const std::string froc = froc_svg({"T & t", "D"}, {line}, true);
  EXPECT_NE(froc.find("a &lt;b&gt; &amp; c"), std::string::npos);
  EXPECT_NE(froc.find("class=\"band\""), std::string::npos);
  EXPECT_EQ(froc.find("<b>"), std::string::npos);
  const std::string scatter =
      scatter_svg({"S", ""}, {{"one", "red", {{0, 0}, {1, 1}}}, {"two", "", {{2, 0}}}});
  EXPECT_NE(scatter.find("fill=\"red\""), std::string::npos);
  EXPECT_EQ(scatter.find("nan"), std::string::npos);
}

}  // namespace
}  // namespace cawe::report
