// SPDX-License-Identifier: Apache-2.0
// Steps that both detectors take from their outputs to boxes, in torchvision's order: the best anchors of a
// level, decoding, non-maximum suppression (NMS). Ties go to the lower index on every device.
#pragma once

#include <cstdint>
#include <vector>

#include "models/detection.h"
#include "tensor/primitives/params.h"
#include "tensor/tensor.h"

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

/// What of a level becomes a candidate, besides being among its best.
struct CandidateLimits {
  double score = 0;  ///< only candidates with a higher score
  double side = 0;   ///< only boxes at least so wide and high, pixels
};
/// Appends those `chosen` positions of scores [A, K] that pass, in their order: boxes decoded from deltas
/// [A, 4] relative to anchors [A, 4] and clipped to height x width, with position % K as their class.
void add_candidates(const Tensor& scores, const Tensor& deltas, const Tensor& anchors,
                    const std::vector<int64_t>& chosen, const CandidateLimits& limits, int64_t height,
                    int64_t width, Candidates& out);

/// Corners (four numbers per box) of the boxes coded as deltas [K, 4] relative to anchors [K, 4], clipped to
/// height x width.
std::vector<float> decoded(const Tensor& deltas, const Tensor& anchors, const BoxCoding& coding,
                           int64_t height, int64_t width);

/// Indices of what NMS keeps, best first, at most `most`; computed on `device`.
std::vector<int64_t> suppressed(const Candidates& candidates, double iou, int64_t most, Device device);
/// Candidates after NMS, as detections.
Detections detections_of(const Candidates& candidates, const PostprocessSettings& settings, Device device);

}  // namespace cawe::models
