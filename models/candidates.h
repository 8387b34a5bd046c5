// SPDX-License-Identifier: Apache-2.0
// Steps that both detectors take from their outputs to boxes, in torchvision's order: the best anchors of a
// level, decoding, non-maximum suppression (NMS). Ties go to the lower index on every device.
#pragma once

#include <cstdint>
#include <vector>

#include "models/detection.h"
#include "tensor/primitives/params.h"

namespace cawe::models {

/// Boxes of one image on the host, as NMS needs them.
struct Candidates {
  std::vector<float> boxes;  ///< four numbers each: x1, y1, x2, y2 in pixels
  std::vector<float> scores;
  std::vector<int64_t> classes;  ///< only boxes of one class suppress each other
  int64_t count() const { return int64_t(scores.size()); }
  Box box(size_t i) const { return {boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]}; }
};

/// rows[index[k]] for each k; rows [R, C].
Tensor take_rows(const Tensor& rows, const std::vector<int64_t>& index);

/// The `most` largest of scores [R]: their indices and values, largest first, ties by lower index.
struct Best {
  std::vector<int64_t> index;
  std::vector<float> values;
};
Best best_of(const Tensor& scores, int64_t most);

/// Corners (four numbers per box) of the boxes coded as deltas [K, 4] relative to anchors [K, 4], clipped to
/// height x width.
std::vector<float> decoded(const Tensor& deltas, const Tensor& anchors, const BoxCoding& coding,
                           int64_t height, int64_t width);

/// Indices of what NMS keeps, best first, at most `most`; computed on `device`.
std::vector<int64_t> suppressed(const Candidates& candidates, double iou, int64_t most, Device device);
/// Candidates after NMS, as detections.
Detections detections_of(const Candidates& candidates, const PostprocessSettings& settings, Device device);

}  // namespace cawe::models
