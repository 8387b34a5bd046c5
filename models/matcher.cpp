// SPDX-License-Identifier: Apache-2.0
#include "models/matcher.h"

#include <algorithm>

#include "tensor/denormals.h"
#include "tensor/primitives/detection.h"
#include "tensor/takes_part.h"

namespace cawe::models {

static_assert(sizeof(Box) == 4 * sizeof(float), "a Box is four floats");

Tensor matched(const Tensor& anchors, const Tensor& counts, const Tensor& truth, const MatchParams& match) {
  Tensor out = Tensor::empty({truth.dim(0), anchors.dim(anchors.rank() - 2)}, DType::i64, Layout::contiguous,
                             anchors.device());
  primitives::match_anchors(anchors, counts, truth, match, out);
  return out;
}

bool any_takes_part(const Tensor& anchors, const MatchParams& match) {
  const Box* boxes = reinterpret_cast<const Box*>(anchors.data<float>());
  return std::any_of(boxes, boxes + anchors.dim(0), [&](const Box& box) { return takes_part(box, match); });
}

bool any_learns(const Tensor& anchors, const Truth& truth, const MatchParams& match, bool foreground) {
  if (truth.boxes.empty()) return any_takes_part(anchors, match);  // all of them are background
  const KeepDenormals exact;
  const Box* boxes = reinterpret_cast<const Box*>(anchors.data<float>());
  for (int64_t a = 0; a < anchors.dim(0); ++a) {
    if (!takes_part(boxes[a], match)) continue;
    float best = 0;
    for (const Box& box : truth.boxes) best = std::max(best, iou(boxes[a], box));
    if (best < float(match.low)) return true;
    // A box that anything overlaps has a best anchor.
    if (foreground && (best >= float(match.high) || (match.low_quality && best > 0))) return true;
  }
  return false;
}

}  // namespace cawe::models
