// SPDX-License-Identifier: Apache-2.0
// Bootstrap by patient.
#include "eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "tensor/error.h"
#include "tensor/parallel.h"
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

/// Adds draw b to times[stride * patient].
void draw_patients(int64_t patients, uint64_t seed, uint64_t b, int32_t* times, int64_t stride) {
  Random random(seed, "eval.bootstrap", b);
  for (int64_t i = 0; i < patients; ++i) ++times[stride * int64_t(random.next_below(uint64_t(patients)))];
}

/// The finite values in rising order.
std::vector<double> sorted(std::vector<double> values) {
  values.erase(std::remove_if(values.begin(), values.end(), [](double v) { return std::isnan(v); }),
               values.end());
  std::sort(values.begin(), values.end());
  return values;
}

double quantile_of_sorted(const std::vector<double>& values, double q) {
  if (values.empty()) return kNaN;
  const double position = q * double(values.size() - 1);
  const size_t low = size_t(std::floor(position));
  if (low + 1 >= values.size()) return values.back();
  const double part = position - double(low);
  return part == 0 ? values[low] : values[low] + part * (values[low + 1] - values[low]);
}

}  // namespace

void draw_weights(const Clusters& clusters, uint64_t seed, uint64_t b, std::vector<int32_t>* item_weights) {
  std::vector<int32_t> times(size_t(clusters.count), 0);
  draw_patients(clusters.count, seed, b, times.data(), 1);
  item_weights->resize(clusters.of_item.size());
  for (size_t i = 0; i < clusters.of_item.size(); ++i)
    (*item_weights)[i] = times[size_t(clusters.of_item[i])];
}

std::array<int64_t, kDrawBlock> DrawBlock::total(const std::vector<int64_t>& of_items) const {
  std::array<int64_t, kDrawBlock> sum{};
  for (size_t i = 0; i < of_items.size(); ++i) {
    if (of_items[i] == 0) continue;
    const int32_t* weights = of_item(int64_t(i));
    for (size_t lane = 0; lane < kDrawBlock; ++lane) sum[lane] += of_items[i] * weights[lane];
  }
  return sum;
}

void draw_by_draw(const DrawBlock& block, int64_t values, const Statistic& statistic, double* out) {
  std::vector<int32_t> weights(block.clusters->of_item.size());
  std::vector<double> row(static_cast<size_t>(values));
  for (int64_t lane = 0; lane < block.count; ++lane) {
    for (size_t i = 0; i < weights.size(); ++i) weights[i] = block.of_item(int64_t(i))[lane];
    statistic(weights, row.data());
    for (int64_t k = 0; k < values; ++k) out[k * kDrawBlock + lane] = row[size_t(k)];
  }
}

std::vector<double> of_whole_set(const Clusters& clusters, int64_t values, const BlockStatistic& statistic) {
  check_clusters(clusters);
  DrawBlock block{0, 1, &clusters, std::vector<int32_t>(size_t(clusters.count * kDrawBlock), 0)};
  for (int64_t c = 0; c < clusters.count; ++c) block.times[size_t(c * kDrawBlock)] = 1;
  std::vector<double> lanes(size_t(values * kDrawBlock), kNaN), figures;
  statistic(block, lanes.data());
  for (int64_t k = 0; k < values; ++k) figures.push_back(lanes[size_t(k * kDrawBlock)]);
  return figures;
}

std::vector<std::vector<double>> bootstrap_blocks(const Clusters& clusters, int64_t values,
                                                  const BlockStatistic& statistic, int64_t draws,
                                                  uint64_t seed) {
  check_clusters(clusters);
  CAWE_CHECK(draws > 0 && values > 0, Code::usage, "bootstrap: ", draws, " draws (expected at least 1)");
  std::vector<std::vector<double>> result(size_t(values), std::vector<double>(size_t(draws), kNaN));
  parallel_tasks((draws + kDrawBlock - 1) / kDrawBlock, [&](int64_t task) {
    DrawBlock block;
    block.first = task * kDrawBlock;
    block.count = std::min(kDrawBlock, draws - block.first);
    block.clusters = &clusters;
    block.times.assign(size_t(clusters.count * kDrawBlock), 0);
    for (int64_t lane = 0; lane < block.count; ++lane)
      draw_patients(clusters.count, seed, uint64_t(block.first + lane), block.times.data() + lane,
                    kDrawBlock);
    std::vector<double> drawn(size_t(values * kDrawBlock), kNaN);
    statistic(block, drawn.data());
    for (int64_t k = 0; k < values; ++k)
      std::copy_n(drawn.data() + k * kDrawBlock, block.count, result[size_t(k)].data() + block.first);
  });
  return result;
}

std::vector<std::vector<double>> bootstrap(const Clusters& clusters, int64_t values,
                                           const Statistic& statistic, int64_t draws, uint64_t seed) {
  const auto one_by_one = [&](const DrawBlock& block, double* out) {
    draw_by_draw(block, values, statistic, out);
  };
  return bootstrap_blocks(clusters, values, one_by_one, draws, seed);
}

double quantile(std::vector<double> values, double q) {
  return quantile_of_sorted(sorted(std::move(values)), q);
}

Interval quantile_interval(double value, const std::vector<double>& drawn, double low, double high) {
  const std::vector<double> finite = sorted(drawn);
  Interval interval;
  interval.value = value;
  interval.low = quantile_of_sorted(finite, low);
  interval.high = quantile_of_sorted(finite, high);
  interval.used = int64_t(finite.size());
  interval.skipped = int64_t(drawn.size()) - interval.used;
  return interval;
}

Interval percentile_interval(double value, const std::vector<double>& drawn, double level) {
  return quantile_interval(value, drawn, 0.5 * (1 - level), 1 - 0.5 * (1 - level));
}

std::vector<double> mean_of_draws(const std::vector<const std::vector<double>*>& runs) {
  CAWE_CHECK(!runs.empty(), Code::internal, "mean of draws: no runs");
  const double share = 1 / double(runs.size());
  std::vector<double> mean(runs[0]->size(), 0.0);
  for (const std::vector<double>* run : runs)
    for (size_t b = 0; b < mean.size(); ++b) mean[b] += share * run->at(b);
  return mean;
}

Difference paired_difference(double value, const std::vector<double>& a, const std::vector<double>& b,
                             double level) {
  CAWE_CHECK(a.size() == b.size(), Code::internal, "paired difference: ", a.size(), " and ", b.size(),
             " draws");
  std::vector<double> drawn(a.size());
  for (size_t i = 0; i < a.size(); ++i) drawn[i] = b[i] - a[i];
  return difference_of_draws(value, drawn, level);
}

Difference difference_of_draws(double value, const std::vector<double>& drawn, double level) {
  Difference result;
  result.interval = percentile_interval(value, drawn, level);
  int64_t at_most = 0, at_least = 0;
  double mean = 0, squares = 0;
  for (double d : drawn) {
    if (std::isnan(d)) continue;
    at_most += d <= kTie;
    at_least += d >= -kTie;
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

double holm_floor(int64_t draws, int64_t family) {
  CAWE_CHECK(draws > 0 && family > 0, Code::internal, "Holm's floor of ", draws, " draws and ", family,
             " comparisons");
  return std::min(1.0, double(family) * (2.0 / double(draws + 1)));
}

bool overlap(const Interval& a, const Interval& b) { return a.low <= b.high && b.low <= a.high; }

}  // namespace cawe::eval
