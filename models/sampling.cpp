// SPDX-License-Identifier: Apache-2.0
#include "models/sampling.h"

#include <algorithm>
#include <utility>

#include "tensor/random.h"

namespace cawe::models {
namespace {

/// The `most` candidates with the smallest random numbers; each candidate's own index is its counter.
std::vector<int64_t> draw(std::vector<int64_t> candidates, int64_t most, const Random& random) {
  if (int64_t(candidates.size()) <= most) return candidates;
  std::vector<std::pair<uint32_t, int64_t>> order;
  for (const int64_t i : candidates) order.emplace_back(random.bits(uint64_t(i)), i);
  std::nth_element(order.begin(), order.begin() + most, order.end());
  candidates.clear();
  for (int64_t k = 0; k < most; ++k) candidates.push_back(order[size_t(k)].second);
  std::sort(candidates.begin(), candidates.end());
  return candidates;
}

}  // namespace

Sample sample(const std::vector<int64_t>& matched, const SamplingOptions& options, const DrawKey& key,
              const std::string& purpose) {
  std::vector<int64_t> foreground, background;
  for (size_t i = 0; i < matched.size(); ++i) {
    if (matched[i] >= 0) foreground.push_back(int64_t(i));
    if (matched[i] == -1) background.push_back(int64_t(i));
  }
  const Random random(key.seed, purpose, key.step, key.image);
  Sample s;
  s.foreground = draw(std::move(foreground), int64_t(double(options.count) * options.positive), random);
  s.background = draw(std::move(background), options.count - int64_t(s.foreground.size()), random);
  return s;
}

}  // namespace cawe::models
