// SPDX-License-Identifier: Apache-2.0
// Steps that both detectors take from their outputs to boxes, in torchvision's order: the best anchors of a
// level, decoding, non-maximum suppression (NMS); for a whole batch, where its tensors are. Ties go to the lower
// index on every device.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/detection.h"
#include "tensor/primitives/params.h"
#include "tensor/tensor.h"

namespace cawe::models {

/// Boxes of a batch: of each image `counts`, at most M.
struct Candidates {
  Tensor boxes;    ///< [N, M, 4] f32: x1, y1, x2, y2 in pixels
  Tensor scores;   ///< [N, M] f32
  Tensor classes;  ///< [N, M] i64: only boxes of one class suppress each other
  Tensor counts;   ///< [N] i64
};

/// Outputs of a head, f32, in the shapes of primitives::decode_filtered.
struct HeadOutputs {
  Tensor scores;   ///< [N, A, K]
  Tensor deltas;   ///< [N, A, 4] or [N, A K, 4]
  Tensor anchors;  ///< [A, 4] or [N, A, 4]
};

/// Of each part of the rows of `order` [N, A K] (`sizes` wide: the levels) the `most` largest that pass p.
Candidates best_candidates(const HeadOutputs& out, const Tensor& order, const std::vector<int64_t>& sizes,
                           int64_t most, const CandidateParams& p);
/// All that pass p, class by class.
Candidates all_candidates(const HeadOutputs& out, const CandidateParams& p);

/// [N, min(most, M)] i64: positions of what NMS keeps, best first, then -1.
Tensor suppressed(const Candidates& candidates, double iou, int64_t most);

/// [N]: 0 where all numbers of an item of x [N, ...] are finite, else NaN. Nothing comes to the host.
Tensor finite_mark(const Tensor& x);

/// Marks of a batch [N], each with what is not finite where they are NaN.
using Marks = std::vector<std::pair<Tensor, std::string>>;
/// Candidates after NMS, and the marks, in one tensor for one copy to the host.
FoundOnDevice found_of(const Candidates& candidates, const PostprocessSettings& settings, const Marks& marks);

}  // namespace cawe::models
