// SPDX-License-Identifier: Apache-2.0
// One axis of RoIAlign: which cells of a feature map a bin of a box is made of, and how much of each.
// Bilinear samples are separable: a bin's value is sum_y sum_x row(y) column(x) f(y, x), also at the map's
// border.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace cawe {

/// Cells first, first + 1, ... with their shares; empty where all samples lie outside of the map.
template <class T>
struct AxisBin {
  int64_t first = 0;
  std::vector<T> share;
};

/// The `bins` bins of an interval [low, high] of image pixels on an axis of `cells` cells, `scale` cells a
/// pixel. Shares are sums over `samples` points a bin (0: ceil(cells in a bin)), each 1 / points.
/// torchvision's rules: `aligned` shifts by half a cell, else a box has at least one cell; points beyond [-1,
/// cells] count as 0, those in [-1, 0] as 0.
template <class T>
void axis_bins(T low, T high, T scale, int64_t cells, int64_t bins, int64_t samples, bool aligned,
               std::vector<AxisBin<T>>* out) {
  const T begin = low * scale - (aligned ? T(0.5) : T(0));
  T length = high * scale - (aligned ? T(0.5) : T(0)) - begin;
  if (!aligned) length = std::max(length, T(1));
  const T bin = length / T(bins);
  const int64_t points = samples > 0 ? samples : int64_t(std::ceil(bin));
  out->assign(size_t(bins), {});
  for (int64_t b = 0; b < bins; ++b) {
    AxisBin<T>& to = (*out)[size_t(b)];
    const auto add = [&](int64_t cell, T weight) {
      if (to.share.empty()) to.first = cell;
      const size_t at = size_t(cell - to.first);
      if (to.share.size() <= at) to.share.resize(at + 1, T(0));
      to.share[at] += weight / T(points);
    };
    for (int64_t i = 0; i < points; ++i) {
      T at = begin + T(b) * bin + (T(i) + T(0.5)) * bin / T(points);
      if (at < T(-1) || at > T(cells)) continue;
      at = std::max(at, T(0));
      const int64_t cell = std::min(int64_t(at), cells - 1);
      const T beyond = cell == cells - 1 ? T(0) : at - T(cell);
      add(cell, T(1) - beyond);
      if (cell + 1 < cells) add(cell + 1, beyond);
    }
  }
}

}  // namespace cawe
