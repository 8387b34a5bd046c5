// SPDX-License-Identifier: Apache-2.0
// Calibration by hand and on made-up probabilities whose calibration is known. A second implementation:
// detection_goldens_test.cpp.
#include "eval/calibration.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/error.h"
#include "tensor/random.h"
#include "tests/eval/golden_example.h"

namespace cawe::eval {
namespace {

Clusters alone(int64_t n) {
  Clusters clusters{{}, n};
  for (int64_t i = 0; i < n; ++i) clusters.of_item.push_back(i);
  return clusters;
}

// Right: .95, .8, .6, .3; false: .9, .7, .5, .4; the duplicate at .85 is left out.
TEST(Calibration, GoldenExampleByHand) {
  const FrocData data = judge(testing::golden_truth(), testing::golden_detections());
  const Calibration c = calibration(scored_detections(data), {{0, 0, 1, 2}, 3}, 200, 0);
  EXPECT_EQ(c.undefined, "");
  EXPECT_EQ(c.items, 8);
  EXPECT_EQ(c.ones, 4);
  ASSERT_EQ(c.width.bins.size(), 7u) << "no bin without items";
  const CalibrationBin& last = c.width.bins.back();
  EXPECT_DOUBLE_EQ(last.low, .9);
  EXPECT_DOUBLE_EQ(last.high, 1);
  EXPECT_EQ(last.items, 2);
  EXPECT_EQ(last.ones, 1);
  EXPECT_DOUBLE_EQ(last.mean_score, .925);
  EXPECT_DOUBLE_EQ(last.share.value, .5);
  EXPECT_NEAR(c.width.ece.value, (.85 + .2 + .7 + .4 + .5 + .4 + .7) / 8, 1e-12);
  EXPECT_NEAR(c.width.mce.value, .7, 1e-12);
  EXPECT_NEAR(c.brier.value, (.0025 + .81 + .04 + .49 + .16 + .25 + .16 + .49) / 8, 1e-12);
  EXPECT_EQ(c.count.bins.size(), 8u) << "eight items in ten bins";
  EXPECT_LE(c.brier.low, c.brier.value);
  EXPECT_GE(c.brier.high, c.brier.value);
  EXPECT_GT(last.share.skipped, 0) << "draws without A and D have nothing in this bin";
}

TEST(Calibration, BinsAndWhatIsLeftOut) {
  // Equal scores stay together; 1 belongs to the last bin; outcomes other than 0 and 1 are unknown.
  const ScoredOutcomes items{{.1, .2, .2, .2, 1, .7}, {0, 1, 0, 0, 1, -1}, {0, 1, 2, 3, 4, 5}};
  const Calibration c = calibration(items, alone(6), 20, 0, .95, 5);
  EXPECT_EQ(c.items, 5);
  EXPECT_EQ(c.ones, 2);
  ASSERT_EQ(c.count.bins.size(), 3u);
  EXPECT_EQ(c.count.bins[1].items, 3);
  EXPECT_EQ(c.count.bins[1].low, .2);
  EXPECT_EQ(c.count.bins[1].high, .2);
  EXPECT_NEAR(c.count.ece.value, (.1 + std::abs(1 - .6) + 0) / 5, 1e-12);
  ASSERT_EQ(c.width.bins.size(), 3u);
  EXPECT_EQ(c.width.bins[2].low, .8);
  EXPECT_EQ(c.width.bins[1].items, 3) << ".2 opens the second of five bins";
  EXPECT_NEAR(c.width.mce.value, std::abs(1 / 3. - .2), 1e-12);
}

TEST(Calibration, SaysWhyItIsUndefined) {
  const Calibration logits = calibration({{.5, 3}, {1, 0}, {0, 1}}, alone(2), 20, 0);
  EXPECT_EQ(logits.undefined, "1 score of 2 outside 0 to 1: these are no probabilities");
  EXPECT_TRUE(std::isnan(logits.width.ece.value));
  EXPECT_TRUE(std::isnan(logits.brier.value));
  EXPECT_TRUE(logits.width.bins.empty());
  const Calibration nothing = calibration({}, alone(2), 20, 0);
  EXPECT_NE(nothing.undefined, "");
  EXPECT_TRUE(std::isnan(nothing.count.mce.value));
  EXPECT_THROW(calibration({{.5}, {}, {0}}, alone(1), 20, 0), Error);
  EXPECT_THROW(calibration({{.5}, {1}, {0}}, alone(1), 20, 0, .95, 0), Error);
}

// Scores that are probabilities have small errors; squared ones err by the mean of p - p^2 = 1/6, Brier by p (1 - p) + (p^2 - p)^2.
TEST(Calibration, TellsProbabilitiesFromOthers) {
  const Random random(5, "test.calibration");
  ScoredOutcomes honest, squared;
  const int64_t n = 6000;
  for (int64_t i = 0; i < n; ++i) {
    const double p = random.uniform_double(uint64_t(2 * i));
    const int outcome = random.uniform_double(uint64_t(2 * i + 1)) < p;
    for (ScoredOutcomes* set : {&honest, &squared}) {
      set->scores.push_back(set == &honest ? p : p * p);
      set->outcomes.push_back(outcome);
      set->image.push_back(i);
    }
  }
  const Calibration good = calibration(honest, alone(n), 50, 0), bad = calibration(squared, alone(n), 50, 0);
  EXPECT_LT(good.width.ece.value, .02);
  EXPECT_LT(good.count.mce.value, .06);
  EXPECT_NEAR(good.brier.value, 1 / 6., .01);
  EXPECT_NEAR(bad.width.ece.value, 1 / 6., .02);
  EXPECT_NEAR(bad.count.ece.value, 1 / 6., .02);
  EXPECT_NEAR(bad.brier.value, 1 / 6. + 1 / 30., .01);
  for (const CalibrationBin& bin : bad.count.bins) EXPECT_EQ(bin.items, n / 10);
}

}  // namespace
}  // namespace cawe::eval
