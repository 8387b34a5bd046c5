// SPDX-License-Identifier: Apache-2.0
#include "eval/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "tensor/error.h"
#include "tensor/text.h"

namespace cawe::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// The items' bins of equal width; `known` are the items with an outcome.
std::vector<int64_t> bins_of_equal_width(const ScoredOutcomes& items, const std::vector<size_t>& known,
                                         int64_t bins) {
  std::vector<int64_t> bin_of;
  for (const size_t i : known) bin_of.push_back(std::min(bins - 1, int64_t(items.scores[i] * double(bins))));
  return bin_of;
}

std::vector<int64_t> bins_of_equal_count(const ScoredOutcomes& items, const std::vector<size_t>& known,
                                         int64_t bins) {
  std::vector<size_t> order(known.size());
  for (size_t k = 0; k < order.size(); ++k) order[k] = k;
  const auto score = [&](size_t k) { return items.scores[known[k]]; };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return score(a) < score(b); });
  std::vector<int64_t> bin_of(known.size());
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const bool tied = rank > 0 && score(order[rank]) == score(order[rank - 1]);
    bin_of[order[rank]] = tied ? bin_of[order[rank - 1]] : int64_t(rank) * bins / int64_t(order.size());
  }
  return bin_of;
}

/// Shares of ones of each bin (NaN without items), then ECE and MCE.
void reliability(size_t bins, const std::vector<double>& items, const std::vector<double>& ones,
                 const std::vector<double>& scores, double* out) {
  double all = 0, ece = 0, mce = 0;
  for (size_t b = 0; b < bins; ++b) {
    out[b] = items[b] > 0 ? ones[b] / items[b] : kNaN;
    if (items[b] == 0) continue;
    const double gap = std::abs(ones[b] - scores[b]);
    all += items[b];
    ece += gap;
    mce = std::max(mce, gap / items[b]);
  }
  out[bins] = all > 0 ? ece / all : kNaN;
  out[bins + 1] = all > 0 ? mce : kNaN;
}

}  // namespace

ScoredOutcomes scored_detections(const FrocData& data) {
  ScoredOutcomes items;
  for (const Judged& d : data.judged) {
    if (d.found == 0 && !d.false_positive) continue;
    items.scores.push_back(d.score);
    items.outcomes.push_back(d.found > 0);
    items.image.push_back(d.image);
  }
  return items;
}

CalibrationStatistic::CalibrationStatistic(const ScoredOutcomes& items, int64_t bins) {
  CAWE_CHECK(items.scores.size() == items.outcomes.size() && items.scores.size() == items.image.size(),
             Code::internal, "calibration: ", items.scores.size(), " scores, ", items.outcomes.size(),
             " outcomes, ", items.image.size(), " images");
  CAWE_CHECK(bins >= 1, Code::usage, "calibration: ", bins, " bins (expected at least 1)");
  whole_.bins = bins;
  std::vector<size_t> known;
  std::map<int64_t, Squares> squares;
  int64_t outside = 0;
  for (size_t i = 0; i < items.scores.size(); ++i) {
    const int outcome = items.outcomes[i];
    if (outcome != 0 && outcome != 1) continue;
    known.push_back(i);
    whole_.ones += outcome;
    const double score = items.scores[i];
    outside += !(score >= 0 && score <= 1);
    Squares& of_image = squares.emplace(items.image[i], Squares{items.image[i], 0, 0}).first->second;
    ++of_image.items;
    of_image.sum += (score - outcome) * (score - outcome);
  }
  whole_.items = int64_t(known.size());
  if (known.empty()) whole_.undefined = "there is nothing to be calibrated";
  if (outside > 0)
    whole_.undefined = counted(outside, "score") + " of " + std::to_string(whole_.items) +
                       " outside 0 to 1: these are no probabilities";
  if (!whole_.undefined.empty()) return;
  for (const auto& [image, sum] : squares) squares_.push_back(sum);
  add(&width_, items, known, bins_of_equal_width(items, known, bins));
  for (size_t b = 0; b < width_.bins.size(); ++b) {
    width_.bins[b].low = double(b) / double(bins);
    width_.bins[b].high = double(b + 1) / double(bins);
  }
  add(&count_, items, known, bins_of_equal_count(items, known, bins));
}

void CalibrationStatistic::add(Bins* bins, const ScoredOutcomes& items, const std::vector<size_t>& known,
                               const std::vector<int64_t>& bin_of) {
  bins->bins.resize(size_t(whole_.bins));
  std::map<std::pair<int64_t, int64_t>, Cell> cells;
  for (size_t k = 0; k < known.size(); ++k) {
    const size_t i = known[k];
    Cell& cell = cells.emplace(std::pair(items.image[i], bin_of[k]), Cell{items.image[i], bin_of[k], 0, 0, 0})
                     .first->second;
    ++cell.items;
    cell.ones += items.outcomes[i];
    cell.scores += items.scores[i];
    CalibrationBin& bin = bins->bins[size_t(bin_of[k])];
    bin.low = bin.items == 0 ? items.scores[i] : std::min(bin.low, items.scores[i]);
    bin.high = bin.items == 0 ? items.scores[i] : std::max(bin.high, items.scores[i]);
    ++bin.items;
    bin.ones += items.outcomes[i];
    bin.mean_score += items.scores[i];  // a sum so far
  }
  for (CalibrationBin& bin : bins->bins)
    bin.mean_score = bin.items > 0 ? bin.mean_score / double(bin.items) : kNaN;
  for (const auto& [place, cell] : cells) bins->cells.push_back(cell);
}

int64_t CalibrationStatistic::values() const { return 2 * (whole_.bins + 2) + 1; }

void CalibrationStatistic::value(const std::vector<int32_t>& image_weights, double* out) const {
  const size_t bins = size_t(whole_.bins);
  for (const Bins* one : {&width_, &count_}) {
    std::vector<double> items(bins, 0.0), ones(bins, 0.0), scores(bins, 0.0);
    for (const Cell& cell : one->cells) {
      const double w = image_weights[size_t(cell.image)];
      items[size_t(cell.bin)] += w * double(cell.items);
      ones[size_t(cell.bin)] += w * double(cell.ones);
      scores[size_t(cell.bin)] += w * cell.scores;
    }
    reliability(bins, items, ones, scores, out);
    out += bins + 2;
  }
  double sum = 0, items = 0;
  for (const Squares& s : squares_) {
    sum += image_weights[size_t(s.image)] * s.sum;
    items += image_weights[size_t(s.image)] * double(s.items);
  }
  *out = items > 0 ? sum / items : kNaN;
}

Calibration CalibrationStatistic::result(const double* point, const std::vector<double>* drawn,
                                         double level) const {
  Calibration result = whole_;
  size_t k = 0;
  const auto interval = [&] {
    const Interval i = percentile_interval(point[k], drawn[k], level);
    ++k;
    return i;
  };
  const auto fill = [&](const Bins& from, Reliability* to) {
    for (size_t b = 0; b < size_t(whole_.bins); ++b) {
      const Interval share = interval();
      if (from.bins.empty() || from.bins[b].items == 0) continue;
      to->bins.push_back(from.bins[b]);
      to->bins.back().share = share;
    }
    to->ece = interval();
    to->mce = interval();
  };
  fill(width_, &result.width);
  fill(count_, &result.count);
  result.brier = interval();
  return result;
}

Calibration calibration(const ScoredOutcomes& items, const Clusters& clusters, int64_t draws, uint64_t seed,
                        double level, int64_t bins) {
  const CalibrationStatistic statistic(items, bins);
  std::vector<double> point(size_t(statistic.values()));
  statistic.value(std::vector<int32_t>(clusters.of_item.size(), 1), point.data());
  const auto drawn = bootstrap(
      clusters, statistic.values(),
      [&](const std::vector<int32_t>& weights, double* v) { statistic.value(weights, v); }, draws, seed);
  return statistic.result(point.data(), drawn.data(), level);
}

}  // namespace cawe::eval
