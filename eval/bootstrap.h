// SPDX-License-Identifier: Apache-2.0
// Uncertainty of any figure over a test set: percentile bootstrap by patient.
//
// A draw takes patients with replacement and all their items (images). Draw b uses the random stream (seed,
// b), so that order and threads change nothing, and two systems on one test set are compared on the same
// draws. Draws are made kDrawBlock at a time, so that what is judged once is walked once for all draws of a block.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

namespace cawe::eval {

/// Which cluster (patient) each item (image) belongs to; clusters are 0 … count - 1.
struct Clusters {
  std::vector<int64_t> of_item;
  int64_t count = 0;
};

/// How often each item is in draw b: as many patients are drawn, with replacement, as there are.
void draw_weights(const Clusters& clusters, uint64_t seed, uint64_t b, std::vector<int32_t>* item_weights);

/// Draws unless a caller says otherwise: the verdicts of a study are the same under any seed of the bootstrap
/// (tests/eval/verdicts_test.cpp), and Holm's smallest p is small enough for hundreds of comparisons.
constexpr int64_t kDraws = 20000;

/// A difference below this is the rounding of one that is 0: means of as many lesions found, in another order of summation.
/// Figures that differ do so by far more.
constexpr double kTie = 1e-12;

/// The figures of a weighted test set: writes `values` numbers, NaN where undefined (e.g. no lesion drawn). Called by
/// several threads at once: it may change nothing but `values`.
using Statistic = std::function<void(const std::vector<int32_t>& item_weights, double* values)>;

/// The values of each figure over the draws: result[k][b]. Undefined draws stay NaN.
std::vector<std::vector<double>> bootstrap(const Clusters& clusters, int64_t values,
                                           const Statistic& statistic, int64_t draws = kDraws,
                                           uint64_t seed = 0);

/// Draws of a block: two 32-bit numbers for each fill eight registers of AVX2.
constexpr int64_t kDrawBlock = 64;

/// The draws first … first + count - 1. What has the index `lane` is of draw first + lane; lanes from `count` on are of
/// no draw, and all their weights are 0.
struct DrawBlock {
  int64_t first = 0, count = 0;
  const Clusters* clusters = nullptr;
  std::vector<int32_t> times;  ///< [clusters][kDrawBlock]: how often each patient is drawn
  /// The kDrawBlock weights of an item.
  const int32_t* of_item(int64_t item) const {
    return times.data() + clusters->of_item[size_t(item)] * kDrawBlock;
  }
  /// The sum over the items of what each has, of every draw.
  std::array<int64_t, kDrawBlock> total(const std::vector<int64_t>& of_items) const;
};

/// A Statistic for all draws of a block: writes values[k * kDrawBlock + lane]; lanes of no draw are not read.
using BlockStatistic = std::function<void(const DrawBlock& block, double* values)>;

/// What a Statistic says of each draw of a block: for what cannot be computed for all of them at once.
void draw_by_draw(const DrawBlock& block, int64_t values, const Statistic& statistic, double* out);

/// The figures of the whole set, every item once.
std::vector<double> of_whole_set(const Clusters& clusters, int64_t values, const BlockStatistic& statistic);

/// bootstrap() by blocks: the same draws.
std::vector<std::vector<double>> bootstrap_blocks(const Clusters& clusters, int64_t values,
                                                  const BlockStatistic& statistic, int64_t draws = kDraws,
                                                  uint64_t seed = 0);

/// q-quantile (0..1) of the finite values, linear between order statistics (position q (n - 1)); NaN if none.
double quantile(std::vector<double> values, double q);

/// A figure with its percentile interval. `skipped` draws were undefined.
struct Interval {
  double value = 0, low = 0, high = 0;
  int64_t used = 0, skipped = 0;
};
/// The percentile interval of the draws; `value` is the figure of the whole set.
Interval percentile_interval(double value, const std::vector<double>& drawn, double level = 0.95);

/// The same between any two quantiles of the draws.
Interval quantile_interval(double value, const std::vector<double>& drawn, double low, double high);

/// A paired difference: its interval; the two-sided p = min(1, 2 min(1 + #{<= 0}, 1 + #{>= 0}) / (B + 1)), B
/// being the number of defined draws (below kTie a difference is 0); and the smallest true difference that this test set
/// would show with 80 % power, (z_.975 + z_.8) times the bootstrap's standard deviation of the difference.
struct Difference {
  Interval interval;
  double p = 1;
  double minimum_detectable = 0;
};
/// The mean of several systems' draws, draw by draw: 1 / n of each, added up in their order.
std::vector<double> mean_of_draws(const std::vector<const std::vector<double>*>& runs);

/// b - a, draw by draw. `value` is the difference on the whole set.
Difference paired_difference(double value, const std::vector<double>& a, const std::vector<double>& b,
                             double level = 0.95);

/// The same of differences that are drawn as such.
Difference difference_of_draws(double value, const std::vector<double>& drawn, double level = 0.95);

/// Holm's step-down correction (Holm 1979); NaN entries stay NaN and do not count as comparisons.
std::vector<double> holm(const std::vector<double>& p);

/// The smallest p, corrected by Holm, that the draws can give in a family of so many comparisons: one draw of B is
/// counted on the rarer side even where none is there, so p >= 2 / (B + 1), and the smallest p is multiplied by the
/// family's size. Where it is above the level, more draws are needed before anything can be shown.
double holm_floor(int64_t draws, int64_t family);

/// True where the intervals overlap: such rows are not ranked.
bool overlap(const Interval& a, const Interval& b);

}  // namespace cawe::eval
