// SPDX-License-Identifier: Apache-2.0
// RetinaNet's post-processing, from logits and offsets to boxes, in torchvision's order: threshold and top k
// in each level, NMS over all levels.
#include "models/candidates.h"
#include "models/retinanet.h"
#include "tensor/denormals.h"
#include "tensor/primitives/elementwise.h"

namespace cawe::models {

FoundOnDevice RetinaNet::postprocess(const Raw& raw, int64_t height, int64_t width) const {
  const KeepDenormals exact;
  const Tensor logits = raw.logits.value().to(DType::f32), deltas = raw.deltas.value().to(DType::f32);
  const int64_t n = logits.dim(0), classes = logits.dim(2);
  Tensor scores = Tensor::like(logits), finite = finite_mark(logits);
  primitives::accumulate(finite_mark(deltas), finite);
  primitives::unary(UnaryOp::sigmoid, 0, 0, logits, scores);
  std::vector<int64_t> sizes;
  for (const GridSize& g : raw.grids)
    sizes.push_back(g.rows * g.columns * config_.anchors.per_cell() * classes);
  CandidateParams p;
  p.width = double(width);
  p.height = double(height);
  p.threshold = config_.postprocess.score_threshold;
  const Candidates all = best_candidates({scores, deltas, raw.anchors}, scores.reshape({n, -1}), sizes,
                                         config_.postprocess.top_k_per_level, p);
  return found_of(all, config_.postprocess, {{finite, "the detector's output"}});
}

}  // namespace cawe::models
