// SPDX-License-Identifier: Apache-2.0
#include "report/subgroup_table.h"

#include <gtest/gtest.h>

namespace cawe::report {
namespace {

TEST(SubgroupTable, MarksSmallGroups) {
  const BoxD lesion = {0, 0, 10, 10};
  const std::vector<eval::TruthImage> truth = {{"a", "p", {{lesion, 0, false, 100}}, 100, 100},
                                               {"b", "q", {}, 100, 100}};
  const std::vector<eval::Detection> detections = {{0, lesion, .9, 0}};
  eval::EvaluateOptions options;
  options.draws = 20;
  const ReportTable table =
      subgroup_table("RetinaNet", eval::subgroups("view", truth, {"AP", "PA"}, {&detections}, options));
  ASSERT_EQ(table.rows.size(), 2u);
  ASSERT_EQ(table.header.size(), table.rows[0].size());
  EXPECT_EQ(table.rows[0][0], "view: AP");
  EXPECT_EQ(table.rows[0][4], "1.000 (1.00 to 1.00)");
  EXPECT_EQ(table.rows[0].back(), "few lesions");
  EXPECT_EQ(table.rows[1][4], "n/a");
  EXPECT_EQ(table.rows[1].back(), "no lesion");
}

}  // namespace
}  // namespace cawe::report
