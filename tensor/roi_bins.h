// SPDX-License-Identifier: Apache-2.0
// Where RoIAlign samples a feature map (He et al. 2017, arXiv 1703.06870; torchvision's conventions). One
// axis at a time: a bilinear sample's weight is the product of a row's and a column's.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "tensor/primitives/params.h"

namespace cawe {

/// One axis of a region, in cells of its level. In double for every dtype: how many samples there are, and
/// which lie outside the map, must not depend on rounding.
struct RoiAxis {
  double start, bin;
  int64_t samples;  ///< in each bin
};

/// From the region's low and high side in pixels.
inline RoiAxis roi_axis(double low, double high, double scale, const RoiAlignParams& p) {
  constexpr double kMostSamples = 1 << 20;  // bounds the loop for a box of absurd size
  const double start = low * scale - (p.aligned ? 0.5 : 0.0), end = high * scale - (p.aligned ? 0.5 : 0.0);
  const double size = p.aligned ? end - start : std::max(end - start, 1.0);
  const double bin = size / double(p.pooled);
  if (p.sampling_ratio > 0) return {start, bin, p.sampling_ratio};
  return {start, bin, bin > 0 ? int64_t(std::ceil(std::min(bin, kMostSamples))) : 0};
}

/// The two cells that a sample lies between, and their weights.
struct RoiTap {
  int64_t first, second;
  double near, far;
};

/// False where the sample lies outside: more than a cell before the first cell or after the last one, or
/// nowhere (NaN). `size`: cells of the axis.
inline bool roi_tap(const RoiAxis& axis, int64_t bin, int64_t sample, int64_t size, RoiTap* tap) {
  const double at =
      axis.start + double(bin) * axis.bin + (double(sample) + 0.5) * axis.bin / double(axis.samples);
  if (!(at >= -1.0 && at <= double(size))) return false;
  const double inside = std::max(at, 0.0);
  const int64_t first = int64_t(inside);
  if (first >= size - 1)
    *tap = {size - 1, size - 1, 1.0, 0.0};
  else
    *tap = {first, first + 1, 1.0 - (inside - double(first)), inside - double(first)};
  return true;
}

}  // namespace cawe
