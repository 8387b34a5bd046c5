// SPDX-License-Identifier: Apache-2.0
// Bootstrap and permutation by patient.
#include "eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tensor/error.h"
#include "tensor/random.h"

namespace cawe::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kZ975 = 1.959963984540054, kZ80 = 0.8416212335729143;

void check_clusters(const Clusters& clusters) {
  CAWE_CHECK(clusters.count > 0 && !clusters.of_item.empty(), Code::data,
             "bootstrap: no patients (expected at least one test image)");
  for (int64_t c : clusters.of_item)
    CAWE_CHECK(c >= 0 && c < clusters.count, Code::internal, "bootstrap: cluster ", c, " of ",
               clusters.count);
}

}  // namespace

void draw_weights(const Clusters& clusters, uint64_t seed, uint64_t b, std::vector<int32_t>* item_weights) {
  Random random(seed, "eval.bootstrap", b);
  std::vector<int32_t> times(size_t(clusters.count), 0);
  for (int64_t i = 0; i < clusters.count; ++i) ++times[random.next_below(uint64_t(clusters.count))];
  item_weights->resize(clusters.of_item.size());
  for (size_t i = 0; i < clusters.of_item.size(); ++i)
    (*item_weights)[i] = times[size_t(clusters.of_item[i])];
}

std::vector<std::vector<double>> bootstrap(const Clusters& clusters, int64_t values,
                                           const Statistic& statistic, int64_t draws, uint64_t seed) {
  check_clusters(clusters);
  CAWE_CHECK(draws > 0 && values > 0, Code::usage, "bootstrap: ", draws, " draws (expected at least 1)");
  std::vector<std::vector<double>> result(size_t(values), std::vector<double>(size_t(draws), kNaN));
  std::vector<int32_t> weights;
  std::vector<double> row(size_t(values), 0.0);
  for (int64_t b = 0; b < draws; ++b) {
    draw_weights(clusters, seed, uint64_t(b), &weights);
    statistic(weights, row.data());
    for (size_t k = 0; k < row.size(); ++k) result[k][size_t(b)] = row[k];
  }
  return result;
}

double quantile(std::vector<double> values, double q) {
  values.erase(std::remove_if(values.begin(), values.end(), [](double v) { return std::isnan(v); }),
               values.end());
  if (values.empty()) return kNaN;
  std::sort(values.begin(), values.end());
  const double position = q * double(values.size() - 1);
  const size_t low = size_t(std::floor(position));
  if (low + 1 >= values.size()) return values.back();
  const double part = position - double(low);
  return part == 0 ? values[low] : values[low] + part * (values[low + 1] - values[low]);
}

Interval percentile_interval(double value, const std::vector<double>& drawn, double level) {
  Interval interval;
  interval.value = value;
  interval.low = quantile(drawn, 0.5 * (1 - level));
  interval.high = quantile(drawn, 1 - 0.5 * (1 - level));
  interval.skipped = std::count_if(drawn.begin(), drawn.end(), [](double v) { return std::isnan(v); });
  interval.used = int64_t(drawn.size()) - interval.skipped;
  return interval;
}

Difference paired_difference(double value, const std::vector<double>& a, const std::vector<double>& b,
                             double level) {
  CAWE_CHECK(a.size() == b.size(), Code::internal, "paired difference: ", a.size(), " and ", b.size(),
             " draws");
  std::vector<double> drawn(a.size());
  for (size_t i = 0; i < a.size(); ++i) drawn[i] = b[i] - a[i];
  Difference result;
  result.interval = percentile_interval(value, drawn, level);
  int64_t at_most = 0, at_least = 0;
  double mean = 0, squares = 0;
  for (double d : drawn) {
    if (std::isnan(d)) continue;
    at_most += d <= 0;
    at_least += d >= 0;
    mean += d / double(result.interval.used);
  }
  for (double d : drawn) squares += std::isnan(d) ? 0 : (d - mean) * (d - mean);
  const int64_t n = result.interval.used;
  result.p = n == 0 ? kNaN : std::min(1.0, 2.0 * double(1 + std::min(at_most, at_least)) / double(n + 1));
  result.minimum_detectable = n < 2 ? kNaN : (kZ975 + kZ80) * std::sqrt(squares / double(n - 1));
  return result;
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<size_t> order;
  for (size_t i = 0; i < p.size(); ++i)
    if (!std::isnan(p[i])) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> corrected(p.size(), kNaN);
  double running = 0;
  for (size_t k = 0; k < order.size(); ++k) {
    running = std::max(running, std::min(1.0, p[order[k]] * double(order.size() - k)));
    corrected[order[k]] = running;
  }
  return corrected;
}

bool overlap(const Interval& a, const Interval& b) { return a.low <= b.high && b.low <= a.high; }

}  // namespace cawe::eval
