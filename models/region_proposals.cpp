// SPDX-License-Identifier: Apache-2.0
#include "models/region_proposals.h"

#include "autograd/ops/elementwise.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/shape.h"
#include "models/candidates.h"
#include "models/matcher.h"
#include "nn/precision.h"
#include "tensor/denormals.h"
#include "tensor/primitives/detection.h"
#include "tensor/primitives/elementwise.h"

namespace cawe::models {
namespace {

nn::Conv2dOptions rpn_conv(int64_t in, int64_t out, int64_t kernel) {
  nn::Conv2dOptions o = nn::same_conv(in, out, kernel);
  o.bias = true;
  o.weight_init = nn::Init::normal(0.01);
  return o;
}

/// [N, A * K, H, W] to [N, H * W * A, K]; a channels-last map is already in this order.
Variable by_anchor(const Variable& x, int64_t per_anchor) {
  const Variable y = permute(x, {0, 2, 3, 1});
  return reshape(y, {y.dim(0), -1, per_anchor});
}

}  // namespace

AnchorSettings rpn_anchors() { return anchor_pyramid(5, 32, {1}, true); }

MatchParams RpnConfig::match_on(int64_t height, int64_t width) const {
  MatchParams p = match;
  if (cross_boundary == CrossBoundary::ignore) {
    p.width = double(width);
    p.height = double(height);
  }
  return p;
}

RegionProposals::RegionProposals(int64_t channels, const RpnConfig& config)
    : config_(config),
      conv_(rpn_conv(channels, channels, 3)),
      cls_logits_(rpn_conv(channels, config.anchors.per_cell(), 1)),
      bbox_pred_(rpn_conv(channels, 4 * config.anchors.per_cell(), 1)) {
  child("head.conv.0.0", conv_);
  child("head.cls_logits", cls_logits_);
  child("head.bbox_pred", bbox_pred_);
}

RegionProposals::Output RegionProposals::forward(const std::vector<Variable>& levels) {
  Output out;
  std::vector<Variable> logits, deltas;
  for (const Variable& level : levels) {
    const Variable features = conv_.forward(level, true);
    logits.push_back(by_anchor(cls_logits_.forward(features), 1));
    deltas.push_back(by_anchor(bbox_pred_.forward(features), 4));
    out.grids.push_back({level.dim(2), level.dim(3)});
  }
  out.logits = reshape(concat(logits, 1), {levels[0].dim(0), -1});
  out.deltas = concat(deltas, 1);
  return out;
}

RegionProposals::Targets RegionProposals::targets(const Tensor& anchors, const Tensor& truth,
                                                  const Tensor& draws, int64_t height, int64_t width) const {
  const int64_t n = truth.dim(0), count = anchors.dim(0);
  const auto fresh = [&](const Shape& shape, DType dtype = DType::f32) {
    return Tensor::empty(shape, dtype, Layout::contiguous, anchors.device());
  };
  Tensor drawn = fresh({n, count}, DType::i64), none;
  primitives::sample_matches(matched(anchors, {}, truth, config_.match_on(height, width)), draws,
                             config_.sampling.params("rpn samples"), drawn, none);
  Targets t{fresh({n, count}), fresh({n, count}), fresh({n, count, 4}), {}};
  primitives::match_targets(drawn, {}, anchors, truth, {}, 0, t.foreground, t.deltas, t.sampled, none, none);
  t.scale = images_per_sampled(t.sampled);
  return t;
}

RegionProposals::Losses RegionProposals::loss(const Output& out, const Targets& t) const {
  const Variable logits = nn::at_least_f32(out.logits), deltas = nn::at_least_f32(out.deltas);
  const DType dtype = logits.dtype();
  Tensor finite = finite_mark(logits.value()), scale = Tensor::like(finite);
  primitives::accumulate(finite_mark(deltas.value()), finite);
  primitives::binary(BinaryOp::add, t.scale.to(dtype), finite, scale);
  const Variable objectness = bce_with_logits(logits, t.foreground.to(dtype), t.sampled.to(dtype));
  const Variable box = smooth_l1(deltas, t.deltas.to(dtype), t.foreground.to(dtype), config_.beta);
  return {batch_mean(mul(objectness, Variable(scale))), batch_mean(mul(box, Variable(scale)))};
}

Proposals RegionProposals::proposals(const Output& out, const Tensor& anchors, int64_t height,
                                     int64_t width) const {
  const KeepDenormals exact;
  const ProposalSettings& s = training() ? config_.train : config_.test;
  const Tensor logits = out.logits.value().to(DType::f32), deltas = out.deltas.value().to(DType::f32);
  Tensor scores = Tensor::like(logits), finite = finite_mark(logits);
  primitives::accumulate(finite_mark(deltas), finite);
  primitives::unary(UnaryOp::sigmoid, 0, 0, logits, scores);
  CandidateParams p;
  p.width = double(width);
  p.height = double(height);
  p.threshold = -1;  // sigmoids are never below 0: only small boxes are left out
  p.smallest = config_.least_side;
  for (const GridSize& g : out.grids) p.parts.push_back(g.rows * g.columns * config_.anchors.per_cell());
  // The best of a level by logit, since sigmoids have more ties; between levels by sigmoid, as torchvision
  // does. NMS is within a level.
  const Candidates all =
      best_candidates({scores.unsqueeze(2), deltas, anchors}, logits, p.parts, s.before_nms, p);
  return {all.boxes, suppressed(all, config_.nms_iou, s.after_nms), finite};
}

}  // namespace cawe::models
