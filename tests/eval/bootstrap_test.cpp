// SPDX-License-Identifier: Apache-2.0
// Bootstrap by patient against the exhaustive enumeration of the worked example; Holm, p and power by hand.
#include "eval/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "eval/froc.h"
#include "tensor/random.h"
#include "tests/eval/golden_example.h"

namespace cawe::eval {
namespace {

const double kNaN = std::nan("");

TEST(Bootstrap, ExhaustivePatientDrawsOfTheGoldenExample) {
  const auto truth = testing::golden_truth();
  const FrocData data = judge(truth, testing::golden_detections());
  int64_t patients = 0;
  const std::vector<int64_t> of = patient_index(truth, &patients);
  ASSERT_EQ(patients, 3);
  std::map<int, int> seen;
  double sum = 0;
  int undefined = 0;
  for (int a = 0; a < 27; ++a) {
    std::vector<int32_t> times(3, 0), weights;
    for (int digit : {a % 3, a / 3 % 3, a / 9}) ++times[size_t(digit)];
    for (int64_t p : of) weights.push_back(times[size_t(p)]);
    double value = 0;
    weighted_sens(data, weights, {0.5}, &value);
    if (std::isnan(value)) {
      ++undefined;
      continue;
    }
    ++seen[int(std::lround(value * 1e6))];
    sum += value;
  }
  EXPECT_EQ(undefined, 1);
  EXPECT_EQ(seen, (std::map<int, int>{{0, 7}, {600000, 3}, {750000, 6}, {857143, 3}, {1000000, 7}}));
  EXPECT_NEAR(sum / 26, .610440, 5e-7);
}

TEST(Bootstrap, RandomDrawsApproachTheExhaustiveOnes) {
  const auto truth = testing::golden_truth();
  const FrocData data = judge(truth, testing::golden_detections());
  Clusters clusters;
  clusters.of_item = patient_index(truth, &clusters.count);
  const auto drawn = bootstrap(
      clusters, 1, [&](const std::vector<int32_t>& w, double* v) { weighted_sens(data, w, {0.5}, v); },
      20000);
  double mean = 0;
  for (double v : drawn[0]) mean += std::isnan(v) ? 0 : v;
  const Interval interval = percentile_interval(.75, drawn[0]);
  EXPECT_NEAR(double(interval.skipped) / 20000, 1.0 / 27, .006);
  EXPECT_NEAR(mean / double(interval.used), .610440, .01);
  EXPECT_EQ(interval.low, 0);
  EXPECT_EQ(interval.high, 1);
}

TEST(Bootstrap, DrawDependsOnSeedAndNumberAlone) {
  Clusters clusters{{0, 0, 1, 2, 2, 2, 3}, 4};
  std::vector<int32_t> first, again, other;
  draw_weights(clusters, 7, 3, &first);
  draw_weights(clusters, 7, 900, &other);
  draw_weights(clusters, 7, 3, &again);
  EXPECT_EQ(first, again);
  EXPECT_EQ(first[0], first[1]) << "all images of a patient come together";
  EXPECT_EQ(first[3], first[5]);
  EXPECT_EQ(first[0] + first[2] + first[3] + first[6], 4) << "as many patients as there are";
  std::vector<double> whole, part;
  const Statistic sum = [](const std::vector<int32_t>& w, double* v) { *v = w[0] + 10 * w[2] + 100 * w[3]; };
  whole = bootstrap(clusters, 1, sum, 50, 1)[0];
  part = bootstrap(clusters, 1, sum, 20, 1)[0];
  for (size_t b = 0; b < part.size(); ++b) EXPECT_EQ(part[b], whole[b]);
}

TEST(Bootstrap, QuantileIsLinearBetweenOrderStatistics) {
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, .5), 2.5);
  EXPECT_DOUBLE_EQ(quantile({4, 1, kNaN, 3, 2}, .25), 1.75);
  EXPECT_DOUBLE_EQ(quantile({5}, .975), 5);
  EXPECT_TRUE(std::isnan(quantile({kNaN}, .5)));
}

TEST(Bootstrap, PairedDifferenceByHand) {
  const Difference d = paired_difference(.1, {0, 0, 0, 0, kNaN}, {.1, .2, -.1, .2, .3});
  EXPECT_EQ(d.interval.used, 4);
  EXPECT_EQ(d.interval.skipped, 1);
  EXPECT_DOUBLE_EQ(d.p, 2.0 * (1 + 1) / 5);
  // Mean .1, squares .0 + .01 + .04 + .01 = .06, variance .02.
  EXPECT_NEAR(d.minimum_detectable, 2.801585 * std::sqrt(.02), 1e-6);
  EXPECT_DOUBLE_EQ(paired_difference(0, {1, 2}, {1, 2}).p, 1);
}

TEST(Bootstrap, HolmByHand) {
  const auto p = holm({.01, .04, .03, .005, kNaN});
  EXPECT_DOUBLE_EQ(p[3], .02);
  EXPECT_DOUBLE_EQ(p[0], .03);
  EXPECT_DOUBLE_EQ(p[2], .06);
  EXPECT_DOUBLE_EQ(p[1], .06);
  EXPECT_TRUE(std::isnan(p[4]));
}

TEST(Bootstrap, DrawnSensitivitiesAreSharesAndRiseWithTheFalsePositives) {
  std::vector<TruthImage> truth(200);
  std::vector<Detection> detections;
  Random random(5, "test.speed");
  for (size_t i = 0; i < truth.size(); ++i) {
    if (i % 2 == 0) truth[i].boxes.push_back({{10, 10, 30, 30}, 0, false, 400});
    for (int k = 0; k < 50; ++k) {
      const double x = random.next_uniform(0, 60);
      detections.push_back({int64_t(i), {x, x, x + 20, x + 20}, random.next_uniform(0, 1), 0});
    }
  }
  const FrocData data = judge(truth, detections);
  Clusters clusters;
  clusters.of_item = patient_index(truth, &clusters.count);
  const std::vector<double> fps = {1, 2, 3, 4};
  const auto drawn = bootstrap(
      clusters, 4, [&](const std::vector<int32_t>& w, double* v) { weighted_sens(data, w, fps, v); });
  for (size_t k = 0; k < 4; ++k) {
    ASSERT_EQ(drawn[k].size(), size_t(kDraws));
    for (size_t b = 0; b < drawn[k].size(); ++b) {
      EXPECT_TRUE(drawn[k][b] >= 0 && drawn[k][b] <= 1) << drawn[k][b];
      EXPECT_GE(drawn[k][b], drawn[k > 0 ? k - 1 : 0][b]) << "draw " << b;
    }
  }
  EXPECT_LT(quantile(drawn[0], 0.5), quantile(drawn[3], 0.5));
}

}  // namespace
}  // namespace cawe::eval
