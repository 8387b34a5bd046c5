// SPDX-License-Identifier: Apache-2.0
#include "models/roi_heads.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/gather_rows.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/reductions.h"
#include "autograd/ops/roi_align.h"
#include "autograd/ops/shape.h"
#include "models/candidates.h"
#include "models/matcher.h"
#include "nn/precision.h"
#include "tensor/denormals.h"
#include "tensor/primitives/detection.h"
#include "tensor/primitives/elementwise.h"
#include "tensor/primitives/softmax.h"

namespace cawe::models {
namespace {

nn::Linear head_layer(int64_t in, int64_t out, HeadInit how, const nn::Init& detectron2) {
  return how == HeadInit::torchvision ? nn::Linear(in, out) : nn::Linear(in, out, detectron2);
}

}  // namespace

RoiHeads::RoiHeads(int64_t channels, int64_t classes, const std::vector<int64_t>& strides,
                   const RoiHeadsConfig& config)
    : config_(config),
      strides_(strides),
      sides_(level_sides(config, int64_t(strides.size()))),
      classes_(classes),
      fc6_(head_layer(channels * config.pooled * config.pooled, config.hidden, config.init,
                      nn::Init::kaiming_uniform(1))),
      fc7_(head_layer(config.hidden, config.hidden, config.init, nn::Init::kaiming_uniform(1))),
      cls_score_(head_layer(config.hidden, classes + 1, config.init, nn::Init::normal(0.01))),
      bbox_pred_(head_layer(config.hidden, 4 * (classes + 1), config.init, nn::Init::normal(0.001))) {
  CAWE_CHECK(config.least_side > 0, Code::usage, "RoI heads: least_side ", config.least_side,
             " (expected above 0)");
  child("box_head.fc6", fc6_);
  child("box_head.fc7", fc7_);
  child("box_predictor.cls_score", cls_score_);
  child("box_predictor.bbox_pred", bbox_pred_);
}

std::vector<double> level_sides(const RoiHeadsConfig& config, int64_t levels) {
  const KeepDenormals exact;
  const auto level_of = [&](float side) {
    const float level =
        std::floor(float(config.canonical_level) + std::log2(side / float(config.canonical_size)) + 1e-6f);
    return std::clamp(level - 2, 0.0f, float(levels) - 1);
  };
  std::vector<double> sides;
  for (int64_t level = 1; level < levels; ++level) {
    // Positive numbers are ordered like their bits: halves the range between one too small and one large enough.
    uint32_t low = 0, high = 0x7f7fffff;
    while (high - low > 1) {
      const uint32_t middle = low + (high - low) / 2;
      float side = 0;
      std::memcpy(&side, &middle, sizeof side);
      (level_of(side) >= float(level) ? high : low) = middle;
    }
    float side = 0;
    std::memcpy(&side, &high, sizeof side);
    sides.push_back(double(side));
  }
  return sides;
}

Regions RoiHeads::regions(const Tensor& boxes, const Tensor& chosen) const {
  const int64_t n = chosen.dim(0), slots = chosen.dim(1);
  const auto fresh = [&](const Shape& shape, DType dtype) {
    return Tensor::empty(shape, dtype, Layout::contiguous, chosen.device());
  };
  Regions r{fresh({n, slots, 4}, DType::f32), fresh({n, slots, 2}, DType::i32)};
  Tensor counts = fresh({n}, DType::i64);
  primitives::join_boxes(boxes, chosen, {}, r.boxes, counts);
  primitives::place_regions(r.boxes, chosen, sides_, r.place);
  return r;
}

RoiHeads::Output RoiHeads::forward(const std::vector<Variable>& levels, const Regions& regions) {
  RoiAlignParams p;
  p.pooled = config_.pooled;
  p.sampling_ratio = config_.sampling_ratio;
  p.aligned = config_.aligned;
  for (const int64_t stride : strides_) p.scales.push_back(1.0 / double(stride));
  const Variable pooled =
      roi_align(levels, regions.boxes.reshape({-1, 4}), regions.place.reshape({-1, 2}), p);
  const Variable flat = reshape(pooled, {pooled.dim(0), -1});
  const Variable features = relu(fc7_.forward(relu(fc6_.forward(flat))));
  return {cls_score_.forward(features), bbox_pred_.forward(features)};
}

/// Targets of the sampled proposals, `slots` for each image: the regions; where a region's own class stands in
/// [N, slots, classes + 1], [N, slots]; 1 where a slot is in use [N, slots], and where it is foreground; offsets of the
/// matched box [N, slots, 4]; and images / sampled proposals, of all ranks [1].
struct RoiHeads::Targets {
  Regions regions;
  Tensor own, counted, foreground, deltas, scale;
};

RoiHeads::Targets RoiHeads::targets(const Proposals& proposals, const Tensor& truth,
                                    const Tensor& draws) const {
  const int64_t n = truth.dim(0), all = proposals.kept.dim(1) + truth.dim(1), slots = config_.sampling.count;
  const auto fresh = [&](const Shape& shape, DType dtype = DType::f32) {
    return Tensor::empty(shape, dtype, Layout::contiguous, truth.device());
  };
  // True boxes are proposals too.
  Tensor boxes = fresh({n, all, 4}), counts = fresh({n}, DType::i64), chosen = fresh({n, slots}, DType::i64);
  primitives::join_boxes(proposals.boxes, proposals.kept, truth, boxes, counts);
  const Tensor matches = matched(boxes, counts, truth, config_.match);
  Tensor none;
  primitives::sample_matches(matches, draws, config_.sampling.params("roi samples"), none, chosen);
  Targets t{regions(boxes, chosen), fresh({n, slots}, DType::i64), fresh({n, slots}),
            fresh({n, slots}),      fresh({n, slots, 4}),          {}};
  primitives::match_targets(matches, chosen, boxes, truth, config_.coding, classes_ + 1, t.foreground,
                            t.deltas, t.counted, none, t.own);
  t.scale = images_per_sampled(t.counted);
  return t;
}

RoiHeads::Losses RoiHeads::loss(const std::vector<Variable>& levels, const Proposals& proposals,
                                const Tensor& truth, const Tensor& draws) {
  const Targets t = targets(proposals, truth, draws);
  const int64_t n = truth.dim(0), slots = config_.sampling.count, rows = n * slots;
  const Output out = forward(levels, t.regions);
  const Variable logits = nn::at_least_f32(out.logits), deltas = nn::at_least_f32(out.deltas);
  const DType dtype = logits.dtype();
  const Variable scale(t.scale.to(dtype)), counted(t.counted.to(dtype));
  const Tensor own = t.own.reshape({rows});
  const Variable entropy = reshape(cross_entropy(logits, own), {n, slots});
  const Variable offsets = gather_rows(reshape(deltas, {rows * (classes_ + 1), 4}), own);
  const Variable box =
      smooth_l1(reshape(offsets, {n, slots, 4}), t.deltas.to(dtype), t.foreground.to(dtype), config_.beta);
  return {batch_mean(mul(sum(mul(entropy, counted), {1}), scale)), batch_mean(mul(box, scale))};
}

namespace {

/// The proposals of the image that has most. The CPU knows that number for nothing, and its empty slots cost time; for a
/// device's it would have to be waited for.
Tensor without_empty_slots(const Tensor& kept) {
  if (kept.device() != Device::cpu) return kept;
  const int64_t slots = kept.dim(1);
  const std::vector<int64_t> positions = kept.to_vector<int64_t>();
  int64_t most = 1;
  for (size_t i = 0; i < positions.size(); ++i)
    if (positions[i] >= 0) most = std::max(most, int64_t(i) % slots + 1);
  return kept.slice(1, 0, most);
}

}  // namespace

FoundOnDevice RoiHeads::find(const std::vector<Variable>& levels, const Proposals& proposals, int64_t height,
                             int64_t width, const PostprocessSettings& settings) {
  const Regions where = regions(proposals.boxes, without_empty_slots(proposals.kept));
  const int64_t n = where.boxes.dim(0), slots = where.boxes.dim(1), outputs = classes_ + 1;
  const Output out = forward(levels, where);
  const Tensor logits = out.logits.value().to(DType::f32), deltas = out.deltas.value().to(DType::f32);
  const KeepDenormals exact;
  Tensor scores = Tensor::like(logits), finite = finite_mark(logits.reshape({n, -1}));
  primitives::accumulate(finite_mark(deltas.reshape({n, -1})), finite);
  primitives::softmax(logits, scores);
  CandidateParams p;
  p.coding = config_.coding;
  p.width = double(width);
  p.height = double(height);
  p.threshold = settings.score_threshold;
  p.smallest = config_.least_side;
  // Output 0 is background.
  const HeadOutputs head{
      scores.reshape({n, slots, outputs}).slice(2, 1, outputs),
      deltas.reshape({n, slots, outputs, 4}).slice(2, 1, outputs).reshape({n, slots * classes_, 4}),
      where.boxes};
  return found_of(all_candidates(head, p), settings,
                  {{proposals.finite, "the proposal network's output"}, {finite, "the detector's output"}});
}

}  // namespace cawe::models
