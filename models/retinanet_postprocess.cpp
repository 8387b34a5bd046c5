// SPDX-License-Identifier: Apache-2.0
// RetinaNet's post-processing, from logits and offsets to boxes, in torchvision's order: threshold and top k
// in each level, NMS over all levels.
#include <algorithm>

#include "models/candidates.h"
#include "models/matcher.h"
#include "models/retinanet.h"
#include "tensor/denormals.h"
#include "tensor/parallel.h"
#include "tensor/primitives/detection.h"
#include "tensor/primitives/elementwise.h"

namespace cawe::models {
namespace {

/// One level of one image: scores [A_l, K], deltas [A_l, 4], anchors [A_l, 4].
void add_level(const Tensor& scores, const Tensor& deltas, const Tensor& anchors, int64_t height,
               int64_t width, const PostprocessSettings& s, Candidates& out) {
  const Tensor flat = scores.reshape({-1});
  const std::vector<int64_t> best = primitives::top_k(flat, std::min(s.top_k_per_level, flat.numel()));
  add_candidates(scores, deltas, anchors, best, {s.score_threshold, 0}, height, width, out);
}

}  // namespace

std::vector<Detections> RetinaNet::postprocess(const Raw& raw, int64_t height, int64_t width,
                                               const std::vector<std::string>& images) const {
  const KeepDenormals exact;
  const Tensor logits = raw.logits.value().to(DType::f32), deltas = raw.deltas.value().to(DType::f32);
  const int64_t n = logits.dim(0), total = logits.dim(1), per_cell = config_.anchors.per_cell();
  Tensor scores = Tensor::like(logits);
  primitives::unary(UnaryOp::sigmoid, 0, 0, logits, scores);
  std::vector<Detections> all(static_cast<size_t>(n));
  parallel_tasks(n, [&](int64_t i) {
    CAWE_CHECK(all_finite(logits.slice(0, i, i + 1)) && all_finite(deltas.slice(0, i, i + 1)), Code::numeric,
               image_name(images, i), ": the detector's output is not finite (bad weights or pixels)");
    const Tensor image_scores = scores.slice(0, i, i + 1).reshape({total, -1});
    const Tensor image_deltas = deltas.slice(0, i, i + 1).reshape({total, 4});
    Candidates candidates;
    int64_t begin = 0;
    for (const GridSize& g : raw.grids) {
      const int64_t end = begin + g.rows * g.columns * per_cell;
      add_level(image_scores.slice(0, begin, end), image_deltas.slice(0, begin, end),
                raw.anchors.slice(0, begin, end), height, width, config_.postprocess, candidates);
      begin = end;
    }
    all[size_t(i)] = detections_of(candidates, config_.postprocess, logits.device());
  });
  return all;
}

}  // namespace cawe::models
