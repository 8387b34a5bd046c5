// SPDX-License-Identifier: Apache-2.0
// Anchors: the boxes that a detector's outputs are measured from (spec 4.2; torchvision's rules).
#pragma once

#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace cawe::models {

struct AnchorSettings {
  /// For each pyramid level the anchors' sides in pixels (square roots of their areas).
  std::vector<std::vector<double>> sizes;
  std::vector<double> ratios{0.5, 1, 2};  ///< height / width
  /// Anchors in a cell; the same on all levels (checked).
  int64_t per_cell() const;
};

/// For levels first, first + 1, ...: side base * 2^i times each of `scales`, each cut to a whole number as
/// torchvision does (int(side * scale)) where `whole`.
AnchorSettings anchor_pyramid(int levels, double base, const std::vector<double>& scales, bool whole);
/// RetinaNet's: 32 ... 512 by (1, 2^(1/3), 2^(2/3)): 32, 40, 50 / ... / 512, 645, 812.
AnchorSettings retinanet_anchors();

struct GridSize {
  int64_t rows, columns;
};

/// Base anchors of one level [per_cell, 4] around the origin, f32: h = sqrt(r) s, w = s / sqrt(r), corners
/// rounded half to even. Ratio is the slow index, size the fast one.
Tensor base_anchors(const std::vector<double>& sizes, const std::vector<double>& ratios);

/// All anchors [A, 4] (x1, y1, x2, y2), f32, of an image: by level, then row, then column, then base anchor;
/// centred on (column * stride, row * stride), stride = image side / grid side (whole division).
Tensor make_anchors(const AnchorSettings& settings, int64_t height, int64_t width,
                    const std::vector<GridSize>& grids);

/// Grids of pyramid levels of the given strides, and of `extra` ones of half the size each; sizes are rounded
/// up.
std::vector<GridSize> pyramid_grids(int64_t height, int64_t width, const std::vector<int64_t>& strides,
                                    int extra);

/// Anchors of the image sizes seen so far. Thread-safe.
class AnchorCache {
 public:
  Tensor of(const AnchorSettings& settings, int64_t height, int64_t width, const std::vector<GridSize>& grids,
            Device device);

 private:
  std::mutex mutex_;
  std::map<std::pair<int64_t, int64_t>, Tensor> anchors_;
};

}  // namespace cawe::models
