// SPDX-License-Identifier: Apache-2.0
// Uncertainty of any figure over a test set: percentile bootstrap and permutation tests by patient.
//
// A draw takes patients with replacement and all their items (images). Draw b uses the random stream (seed,
// b), so that order and threads change nothing, and two systems on one test set are compared on the same
// draws.
#pragma once

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

/// The figures of a weighted test set: writes `values` numbers, NaN where undefined (e.g. no lesion drawn).
using Statistic = std::function<void(const std::vector<int32_t>& item_weights, double* values)>;

/// The values of each figure over the draws: result[k][b]. Undefined draws stay NaN.
std::vector<std::vector<double>> bootstrap(const Clusters& clusters, int64_t values,
                                           const Statistic& statistic, int64_t draws = 2000,
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

/// A paired difference: its interval; the two-sided p = min(1, 2 min(1 + #{<= 0}, 1 + #{>= 0}) / (B + 1)), B
/// being the number of defined draws; and the smallest true difference that this test set would show with 80
/// % power, (z_.975 + z_.8) times the bootstrap's standard deviation of the difference.
struct Difference {
  Interval interval;
  double p = 1;
  double minimum_detectable = 0;
};
/// b - a, draw by draw. `value` is the difference on the whole set.
Difference paired_difference(double value, const std::vector<double>& a, const std::vector<double>& b,
                             double level = 0.95);

/// Holm's step-down correction (Holm 1979); NaN entries stay NaN and do not count as comparisons.
std::vector<double> holm(const std::vector<double>& p);

/// True where the intervals overlap: such rows are not ranked.
bool overlap(const Interval& a, const Interval& b);

}  // namespace cawe::eval
