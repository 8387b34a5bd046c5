// SPDX-License-Identifier: Apache-2.0
// The picture that transforms, enhancers and the loader work on.
#pragma once

#include <cstddef>
#include <vector>

namespace cawe::data {

/// Row by row, channels interleaved (HWC); values in [0, 1]. Channels: 1 gray, 3 RGB.
struct FloatImage {
  int width = 0, height = 0, channels = 1;
  std::vector<float> pixels;

  FloatImage() = default;
  FloatImage(int w, int h, int c)
      : width(w), height(h), channels(c), pixels(size_t(w) * size_t(h) * size_t(c)) {}

  float* row(int y) { return pixels.data() + size_t(y) * size_t(width) * size_t(channels); }
  const float* row(int y) const { return pixels.data() + size_t(y) * size_t(width) * size_t(channels); }
  float& at(int x, int y, int c = 0) { return row(y)[x * channels + c]; }
  float at(int x, int y, int c = 0) const { return row(y)[x * channels + c]; }
};

}  // namespace cawe::data
