// SPDX-License-Identifier: Apache-2.0
// Shared by both picture generators: sigmoid edges and value noise.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor/random.h"

namespace cawe::data {

/// A smooth step (sigmoid): near 0 for x far below 0, near 1 far above it.
inline float soft_step(float x) { return 1 / (1 + std::exp(-std::clamp(x, -30.f, 30.f))); }

inline float bell(float x) { return std::exp(-x * x); }

/// size x size values with mean near 0 and standard deviation near 0.6: a grid of cells x cells normal
/// numbers, smoothly enlarged.
inline std::vector<float> value_noise(Random* random, int size, int cells) {
  const int knots = cells + 1;
  std::vector<float> grid(size_t(knots) * size_t(knots));
  for (float& v : grid) v = float(random->next_normal());
  std::vector<int> index(static_cast<size_t>(size));
  std::vector<float> share(static_cast<size_t>(size));
  for (size_t i = 0; i < share.size(); ++i) {
    const float t = float(i) * float(cells) / float(size);
    index[i] = std::min(int(t), cells - 1);
    const float f = t - float(index[i]);
    share[i] = f * f * (3 - 2 * f);
  }
  std::vector<float> out(size_t(size) * size_t(size));
  std::vector<float> line(static_cast<size_t>(knots));
  for (size_t y = 0; y < share.size(); ++y) {
    const float* top = &grid[size_t(index[y]) * size_t(knots)];
    for (size_t k = 0; k < line.size(); ++k) line[k] = top[k] + share[y] * (top[k + line.size()] - top[k]);
    float* row = &out[y * size_t(size)];
    for (size_t x = 0; x < share.size(); ++x) {
      const float* left = &line[size_t(index[x])];
      row[x] = left[0] + share[x] * (left[1] - left[0]);
    }
  }
  return out;
}

}  // namespace cawe::data
