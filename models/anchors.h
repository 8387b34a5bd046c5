// SPDX-License-Identifier: Apache-2.0
// Anchors: the boxes from which a detector's outputs are measured (Ren et al. 2015, arXiv 1506.01497), placed
// and rounded by torchvision's rules.
#pragma once

#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "tensor/tensor.h"

namespace cawe::models {

/// Scales and aspect ratios of the anchors of a pyramid.
struct AnchorSettings {
  /// For each pyramid level the anchors' scales in pixels: the square roots of their areas.
  std::vector<std::vector<double>> sizes;
  std::vector<double> ratios{0.5, 1, 2};  ///< height / width
  /// Anchors for each cell of the grid; throws Code::usage where levels differ.
  int64_t per_cell() const;
};

/// `levels` levels; level i has anchors of scale base * 2^i times each of `scales`, cut to whole pixels
/// (int(scale), as torchvision does) where `whole`.
AnchorSettings anchor_pyramid(int levels, double base, const std::vector<double>& scales, bool whole);
/// RetinaNet's (Lin et al. 2017, arXiv 1708.02002): 32 ... 512 times (1, 2^(1/3), 2^(2/3)), whole pixels.
AnchorSettings retinanet_anchors();

/// Size of a pyramid level, in cells.
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

/// Grid sizes of the pyramid levels with the given strides, then of `extra` levels of half the size each;
/// rounded up.
std::vector<GridSize> pyramid_grids(int64_t height, int64_t width, const std::vector<int64_t>& strides,
                                    int extra);

/// Keeps the anchors of each image size and device that was asked for. Thread-safe.
class AnchorCache {
 public:
  Tensor of(const AnchorSettings& settings, int64_t height, int64_t width, const std::vector<GridSize>& grids,
            Device device);

 private:
  std::mutex mutex_;
  std::map<std::tuple<int64_t, int64_t, Device>, Tensor> anchors_;
};

}  // namespace cawe::models
