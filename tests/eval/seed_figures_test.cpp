// SPDX-License-Identifier: Apache-2.0
// Mixed model, t intervals and two-level bootstrap by hand.
#include "eval/seed_figures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "eval/student_t.h"
#include "tensor/error.h"

namespace cawe::eval {
namespace {

const double kNaN = std::nan("");
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(StudentT, TablesAndClosedForms) {
  EXPECT_NEAR(student_t_critical(.05, 4), 2.776445105, 1e-9);
  EXPECT_NEAR(student_t_critical(.05, 9), 2.262157163, 1e-9);
  EXPECT_NEAR(student_t_critical(.05, kInfinity), 1.959963985, 1e-9);
  EXPECT_NEAR(normal_quantile(.8), .8416212336, 1e-10);
  EXPECT_NEAR(normal_quantile(.025), -1.959963985, 1e-9);
  EXPECT_NEAR(normal_cdf(normal_quantile(1e-5)) / 1e-5, 1, 1e-10);
  EXPECT_NEAR(student_t_two_sided(1, 1), .5, 1e-14) << "Cauchy";
  EXPECT_NEAR(student_t_two_sided(std::sqrt(2.0), 2), 1 - std::sqrt(2.0) / 2, 1e-14)
      << "1 - t / sqrt(2 + t^2)";
  for (const double df : {1.0, 4.5, 300.0, 1e13, kInfinity}) {
    EXPECT_DOUBLE_EQ(student_t_two_sided(0, df), 1);
    EXPECT_EQ(student_t_two_sided(kInfinity, df), 0);
    EXPECT_DOUBLE_EQ(student_t_two_sided(-2, df), student_t_two_sided(2, df));
  }
  EXPECT_TRUE(std::isnan(student_t_two_sided(1, 0)));
  EXPECT_TRUE(std::isnan(student_t_two_sided(kNaN, 3)));
  // (z_.975 + z_.8), but for the other tail.
  EXPECT_NEAR(t_test_shift(.8, kInfinity, .05), 2.801585, 4e-6);
  EXPECT_NEAR(t_test_power(0, 7, .05), .05, 1e-12) << "no effect: the level";
  EXPECT_NEAR(t_test_power(t_test_shift(.9, 4, .01), 4, .01), .9, 1e-12);
}

TEST(SeedFigures, MixedModelByHand) {
  // d = .1, .2, .3: mean .2, MS = .01. Covariance: .004 on the diagonal, .001 beside it.
  const std::vector<std::vector<double>> covariance = {
      {.004, .001, .001}, {.001, .004, .001}, {.001, .001, .004}};
  const MixedModel m = mixed_model({.1, .2, .3}, covariance, 101);
  const double of_seeds = .01 / 3, variance = of_seeds + .001;
  const double df = variance * variance / (of_seeds * of_seeds / 2 + .001 * .001 / 100);
  EXPECT_NEAR(m.interval.value, .2, 1e-15);
  EXPECT_NEAR(m.interval.standard_error, std::sqrt(variance), 1e-15);
  EXPECT_NEAR(m.interval.df, df, 1e-12);
  EXPECT_NEAR(m.interval.high - .2, student_t_critical(.05, df) * std::sqrt(variance), 1e-14);
  EXPECT_NEAR(m.interval.low + m.interval.high, .4, 1e-14);
  EXPECT_NEAR(m.interval.p, student_t_two_sided(.2 / std::sqrt(variance), df), 1e-14);
  EXPECT_NEAR(m.components.patients, .001, 1e-15);
  EXPECT_NEAR(m.components.rest, .003, 1e-15);
  EXPECT_NEAR(m.components.seeds, .007, 1e-15);
  EXPECT_NEAR(over_seeds({.1, .2, .3}).standard_error, std::sqrt(of_seeds), 1e-15);
  EXPECT_EQ(over_seeds({.1, .2, .3}).df, 2);
}

TEST(SeedFigures, ANegativeCovarianceIsNone) {
  const MixedModel m = mixed_model({.1, .3}, {{.004, -.001}, {-.001, .004}}, 50);
  EXPECT_NEAR(m.interval.standard_error, std::sqrt(.02 / 2), 1e-15);
  EXPECT_EQ(m.interval.df, 1);
  EXPECT_EQ(m.components.patients, 0);
  EXPECT_NEAR(m.components.rest, .004, 1e-15);
  EXPECT_NEAR(m.components.seeds, .016, 1e-15);
  EXPECT_EQ(mixed_model({.1, .1}, {{.004, 0}, {0, .004}}, 50).components.seeds, 0)
      << "less than the rest alone";
}

TEST(SeedFigures, WhatCannotBeSaidIsNaN) {
  const MixedModel one = mixed_model({.1}, {{.004}}, 50);
  EXPECT_TRUE(std::isnan(one.interval.low) && std::isnan(one.interval.p) && std::isnan(one.components.seeds));
  EXPECT_DOUBLE_EQ(one.interval.value, .1);
  EXPECT_EQ(one.components.patients, .004);
  EXPECT_TRUE(std::isnan(over_seeds({.1}).low));
  EXPECT_TRUE(std::isnan(mixed_model({.1, kNaN}, {{.004, 0}, {0, .004}}, 50).interval.low));
  EXPECT_TRUE(std::isnan(draw_covariance({{kNaN, 1}, {1, kNaN}})[0][1]));
  EXPECT_THROW(mixed_model({.1, .2}, {{.004}}, 50), Error);
  // Runs without any difference: nothing is above chance, and nothing is divided by 0.
  const MixedModel same = mixed_model({0, 0, 0}, {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}}, 50);
  EXPECT_EQ(same.interval.p, 1);
  EXPECT_EQ(same.interval.low, 0);
  EXPECT_EQ(same.interval.high, 0);
}

// One lesion more of ten with every seed, each another one: the differences are .1, but for their rounding.
TEST(SeedFigures, EqualDifferencesTellNothingHoweverTheyAreRounded) {
  const std::vector<double> values{0x1.999999999999ap-4, 0x1.9999999999998p-4, 0x1.999999999999ap-4,
                                   0x1.9999999999998p-4, 0x1.999999999999ap-4};
  std::vector<std::vector<double>> covariance(5, std::vector<double>(5, -.001));
  for (size_t s = 0; s < 5; ++s) covariance[s][s] = .009;
  for (const TInterval& t : {mixed_model(values, covariance, 10).interval, over_seeds(values)}) {
    EXPECT_DOUBLE_EQ(t.value, .1);
    for (const double v : {t.low, t.high, t.p, t.standard_error, t.df}) EXPECT_TRUE(std::isnan(v)) << v;
  }
  const TInterval rounding = over_seeds({1e-17, -1e-17, 0});
  EXPECT_EQ(rounding.p, 1) << "no seed differs";
}

TEST(SeedFigures, CovarianceSkipsUndefinedDraws) {
  const auto c = draw_covariance({{1, 2, kNaN, 3}, {2, 4, 9, 9}});
  EXPECT_DOUBLE_EQ(c[0][0], 1);
  EXPECT_DOUBLE_EQ(c[0][1], 3.5);  // (1, 2, 3) and (2, 4, 9)
  EXPECT_DOUBLE_EQ(c[1][0], 3.5);
  EXPECT_DOUBLE_EQ(c[1][1], 13);
}

TEST(SeedFigures, TwoLevelDrawsTakeSeedsWithReplacement) {
  // Run s has the value 10^s in every draw, so that the digits of 3 x mean say how often each was taken.
  const std::vector<std::vector<double>> drawn = {std::vector<double>(9000, 1), std::vector<double>(9000, 10),
                                                  std::vector<double>(9000, 100)};
  std::map<int, int> seen;
  for (const double v : two_level_draws(drawn, 4)) ++seen[int(std::lround(3 * v))];
  EXPECT_EQ(seen.size(), 10u) << "multisets of three out of three";
  for (const auto& [digits, times] : seen) {
    const bool all_equal = digits == 3 || digits == 30 || digits == 300;
    const double expected = 9000 * (digits == 111 ? 6 : all_equal ? 1 : 3) / 27.0;
    EXPECT_NEAR(times, expected, 5 * std::sqrt(expected)) << digits;
  }
  // Patients and seeds of a draw belong together, and a draw depends on its number alone.
  std::vector<std::vector<double>> numbered(2, std::vector<double>(100));
  for (size_t b = 0; b < 100; ++b) numbered[0][b] = numbered[1][b] = double(b);
  const auto same = two_level_draws(numbered, 1);
  EXPECT_EQ(same, numbered[0]);
  const auto whole = two_level_draws(drawn, 4), other = two_level_draws(drawn, 5);
  EXPECT_NE(whole, other);
  const auto part = two_level_draws({{1, 1}, {10, 10}, {100, 100}}, 4);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin()));
  EXPECT_TRUE(std::isnan(two_level_draws({{kNaN}, {kNaN}}, 1)[0]));
}

}  // namespace
}  // namespace cawe::eval
