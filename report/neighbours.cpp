// SPDX-License-Identifier: Apache-2.0
#include "report/neighbours.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/error.h"

namespace cawe::report {

NeighbourMix neighbour_mix(const std::vector<float>& plain, const std::vector<float>& changed, int64_t dim,
                           int64_t k) {
  CAWE_CHECK(dim > 0 && k > 0 && plain.size() == changed.size() && plain.size() % size_t(dim) == 0,
             Code::internal, "neighbours: ", plain.size(), " and ", changed.size(), " features of ", dim,
             ", k = ", k);
  const int64_t n = int64_t(plain.size()) / dim;
  CAWE_CHECK(n > 0, Code::data, "neighbours: no film");
  for (const std::vector<float>* set : {&plain, &changed})
    for (const float v : *set)
      CAWE_CHECK(std::isfinite(v), Code::data, "neighbours: a feature is not finite");
  const auto point = [&](int64_t i) { return (i < n ? plain.data() : changed.data()) + (i % n) * dim; };
  const auto distance = [&](int64_t a, int64_t b) {
    double sum = 0;
    for (int64_t d = 0; d < dim; ++d) sum += std::pow(double(point(a)[d]) - double(point(b)[d]), 2);
    return std::sqrt(sum);
  };
  NeighbourMix mix;
  mix.k = std::min(k, 2 * n - 1);
  mix.by_chance = double(n - 1) / double(2 * n - 1);
  std::vector<std::pair<double, int64_t>> others;
  for (int64_t i = 0; i < 2 * n; ++i) {
    others.clear();
    for (int64_t j = 0; j < 2 * n; ++j)
      if (j != i) others.emplace_back(distance(i, j), j);
    std::partial_sort(others.begin(), others.begin() + mix.k, others.end());
    for (int64_t j = 0; j < mix.k; ++j)
      mix.same_share += double((others[size_t(j)].second < n) == (i < n)) / double(mix.k * 2 * n);
    if (i >= n) continue;
    mix.moved += distance(i, i + n) / double(n);
    double nearest = std::numeric_limits<double>::infinity();
    for (const auto& [far, j] : others)
      if (j < n) nearest = std::min(nearest, far);
    mix.nearest += nearest / double(n);
  }
  if (n < 2) mix.moved = mix.nearest = std::numeric_limits<double>::quiet_NaN();
  return mix;
}

}  // namespace cawe::report
