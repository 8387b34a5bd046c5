// SPDX-License-Identifier: Apache-2.0
#include "report/charts/chart.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "eval/methods.h"
#include "tensor/error.h"
#include "tests/eval/made_up_system.h"

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

class MeanCurve : public ::testing::TestWithParam<eval::SensMode> {};

/// What is drawn at any x is the mean of what is read there off each seed's curve, by the rule's own way of reading.
TEST_P(MeanCurve, IsTheMeanOfWhatIsRead) {
  const std::vector<eval::TruthImage> truth = eval::testing::made_up_truth();
  eval::EvaluateOptions options;
  options.draws = 20;
  options.froc.mode = GetParam();
  std::vector<eval::Evaluation> seeds;
  for (uint64_t seed = 0; seed < 3; ++seed)
    seeds.push_back(eval::evaluate(
        truth, eval::testing::made_up_detections(truth, .4 + .3 * double(seed), seed), options));
  const std::vector<std::vector<const eval::Evaluation*>> sets{{&seeds[0]},
                                                               {&seeds[0], &seeds[1], &seeds[2]}};
  for (const auto& set : sets) {
    const FrocLine line = froc_line("line", set);
    EXPECT_EQ(line.straight, GetParam() != eval::SensMode::step);
    for (size_t i = 1; i < line.points.size(); ++i) ASSERT_GE(line.points[i].x, line.points[i - 1].x);
    std::vector<double> places;
    for (int k = 0; k <= 200; ++k) places.push_back(.05 * k);
    for (const eval::FrocPoint& p : seeds[1].curve.points)
      places.push_back(p.fp_per_image);  // at its corners, too
    for (const double x : places) {
      double mean = 0, negatives = 0;
      for (const eval::Evaluation* e : set) {
        mean += eval::sens_at(e->curve, x).sensitivity / double(set.size());
        negatives +=
            eval::sens_at(e->curve, x, eval::Denominator::negatives).sensitivity / double(set.size());
      }
      ASSERT_NEAR(curve_value(line.points, line.straight, x), mean, 1e-12) << "at " << x;
      ASSERT_NEAR(curve_value(line.negative_points, line.straight, x), negatives, 1e-12) << "at " << x;
    }
  }
  EXPECT_NE(froc_line("", sets[0]).points.size(), froc_line("", sets[1]).points.size());
  EXPECT_THROW(froc_line("none", {}), Error);
}

/// With one seed the band is over patients, with several the mixed model's, as the table's intervals are.
TEST(FrocLine, TheBandOfSeveralSeedsIsTheMixedModels) {
  const std::vector<eval::TruthImage> truth = eval::testing::made_up_truth();
  eval::EvaluateOptions options;
  options.draws = eval::kBandDraws;
  std::vector<eval::Evaluation> seeds;
  for (uint64_t seed = 0; seed < 3; ++seed)
    seeds.push_back(eval::evaluate(
        truth, eval::testing::made_up_detections(truth, .4 + .2 * double(seed), seed), options));
  const FrocLine one = froc_line("one", {&seeds[0]});
  EXPECT_EQ(one.band_low, seeds[0].band_low);
  EXPECT_EQ(one.band_high, seeds[0].band_high);
  const std::vector<const eval::Evaluation*> all{&seeds[0], &seeds[1], &seeds[2]};
  const FrocLine line = froc_line("line", all);
  const eval::TInterval at_2 = eval::method_figures(all).figures[1].mixed.interval;
  ASSERT_EQ(line.band_x.at(16), 2);
  EXPECT_DOUBLE_EQ(line.band_low[16], std::max(0.0, at_2.low));
  EXPECT_DOUBLE_EQ(line.band_high[16], std::min(1.0, at_2.high));
  double widths = 0;
  for (const eval::Evaluation* e : all) widths += (e->band_high[16] - e->band_low[16]) / 3;
  EXPECT_GT(line.band_high[16] - line.band_low[16], widths) << "seeds differ: the band has their spread, too";
}

INSTANTIATE_TEST_SUITE_P(Modes, MeanCurve,
                         ::testing::Values(eval::SensMode::step, eval::SensMode::linear,
                                           eval::SensMode::raw));

}  // namespace
}  // namespace cawe::report
