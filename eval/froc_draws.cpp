// SPDX-License-Identifier: Apache-2.0
// FROC of many draws at once.
#include "eval/froc_draws.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "tensor/error.h"

namespace cawe::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int32_t kMost = std::numeric_limits<int32_t>::max();
template <class T>
using Lanes = std::array<T, kDrawBlock>;

/// The most false positives whose rate, as it is rounded, is at most fp; there is one for every fp >= 0.
int32_t most_at(double fp, int64_t images) {
  const auto rate = [&](int64_t count) { return double(count) / double(images); };
  int64_t most = int64_t(std::min(fp * double(images), double(kMost)));
  while (most > 0 && rate(most) > fp) --most;
  while (most < kMost && rate(most + 1) <= fp) ++most;
  return int32_t(most);
}

/// Where the draws of a block stand.
struct Walk {
  Lanes<int64_t> images{}, lesions{};
  Lanes<int32_t> found{}, found_at_point{}, false_positives{};
  Lanes<int32_t> limit{};  ///< the most false positives at which the next of fps is still open
  Lanes<size_t> next{};    ///< the next of fps
  int64_t waiting = 0;     ///< draws with some of fps still open
};

}  // namespace

FrocDraws::FrocDraws(const FrocData& data, const std::vector<double>& fps)
    : data_(data), fps_(fps), counted_(data.lesions.size(), 0) {
  CAWE_CHECK(!fps.empty() && fps[0] >= 0 && std::is_sorted(fps.begin(), fps.end()), Code::internal,
             "FROC draws: false positive rates must ascend from 0 or above");
  size_t point = 0;  // the first step of this score
  for (size_t i = 0; i < data.judged.size(); ++i) {
    const Judged& d = data.judged[i];
    if (d.found > 0 || d.false_positive) {
      steps_.push_back({d.image, d.found, d.false_positive, false, false});
      counted_[size_t(d.image)] += d.found + (d.false_positive ? 1 : 0);
    }
    if (i + 1 < data.judged.size() && data.judged[i + 1].score == d.score) continue;
    if (steps_.size() == point) continue;  // the counts are those of the point before
    Step& last = steps_.back();
    for (; point < steps_.size(); ++point) {
      last.point_finds = last.point_finds || steps_[point].found > 0;
      last.point_is_false = last.point_is_false || steps_[point].false_positive;
    }
  }
}

void FrocDraws::sens(const DrawBlock& block, double* out) const {
  const Lanes<int64_t> counted = block.total(counted_);
  const bool fits = *std::max_element(counted.begin(), counted.end()) < kMost;
  if (data_.options.mode == SensMode::step && fits) return walk(block, out);
  const auto one = [&](const std::vector<int32_t>& weights, double* row) {
    weighted_sens(data_, weights, fps_, row);
  };
  draw_by_draw(block, int64_t(fps_.size()), one, out);
}

void FrocDraws::walk(const DrawBlock& block, double* out) const {
  Walk w;
  w.images = block.total(std::vector<int64_t>(data_.lesions.size(), 1));
  w.lesions = block.total(data_.lesions);
  const size_t count = fps_.size();
  for (size_t lane = 0; lane < kDrawBlock; ++lane) {
    const bool defined = w.lesions[lane] > 0;
    w.limit[lane] = defined ? most_at(fps_[0], w.images[lane]) : kMost;
    w.waiting += defined;
    w.next[lane] = defined ? 0 : count;
    if (!defined)
      for (size_t k = 0; k < count; ++k) out[k * kDrawBlock + lane] = kNaN;
  }
  const auto read = [&](size_t lane) {
    out[w.next[lane]++ * kDrawBlock + lane] = double(w.found_at_point[lane]) / double(w.lesions[lane]);
  };
  for (const Step& step : steps_) {
    const int32_t* weights = block.of_item(step.image);
    if (step.found > 0)
      for (size_t lane = 0; lane < kDrawBlock; ++lane) w.found[lane] += step.found * weights[lane];
    if (step.false_positive)
      for (size_t lane = 0; lane < kDrawBlock; ++lane) w.false_positives[lane] += weights[lane];
    if (step.point_is_false) {
      int32_t beyond = 0;
      for (size_t lane = 0; lane < kDrawBlock; ++lane)
        beyond |= w.false_positives[lane] > w.limit[lane] ? 1 : 0;
      for (size_t lane = 0; beyond != 0 && lane < kDrawBlock; ++lane) {
        while (w.false_positives[lane] > w.limit[lane]) {
          read(lane);
          const bool open = w.next[lane] < count;
          w.limit[lane] = open ? most_at(fps_[w.next[lane]], w.images[lane]) : kMost;
          w.waiting -= open ? 0 : 1;
        }
      }
      if (w.waiting == 0) break;
    }
    if (step.point_finds) w.found_at_point = w.found;
  }
  for (size_t lane = 0; lane < kDrawBlock; ++lane)
    while (w.next[lane] < count) read(lane);
}

}  // namespace cawe::eval
