// SPDX-License-Identifier: Apache-2.0
#include "models/retinanet.h"

#include "autograd/ops/elementwise.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/shape.h"
#include "models/matcher.h"
#include "models/sampling.h"
#include "nn/precision.h"
#include "tensor/primitives/detection.h"

namespace cawe::models {
namespace {

const RetinaNetConfig& checked(const RetinaNetConfig& c) {
  CAWE_CHECK(int(c.anchors.sizes.size()) == 3 + c.extra_levels, Code::usage, "RetinaNet: anchor sizes for ",
             c.anchors.sizes.size(), " levels, but P3 to P", 5 + c.extra_levels, " are ", 3 + c.extra_levels);
  CAWE_CHECK(c.backbone.output_stride == 32, Code::usage, "RetinaNet: backbone output_stride ",
             c.backbone.output_stride, " (expected 32: the pyramid halves at each level)");
  return c;
}

FpnConfig fpn_config(const RetinaNetConfig& c, const StageInfo& stages) {
  FpnConfig fpn;
  fpn.in.assign(stages.channels.begin() + 1, stages.channels.end());
  fpn.channels = c.channels;
  fpn.extra = c.extra_levels;
  fpn.p6_from = c.p6_from;
  return fpn;
}

}  // namespace

RetinaNet::RetinaNet(const RetinaNetConfig& config)
    : config_(checked(config)),
      body_(config.backbone),
      fpn_(fpn_config(config, body_.stages())),
      head_(config) {
  child("backbone.body", body_);
  child("backbone.fpn", fpn_);
  child("head", head_);
  body_.set_trainable_stages(config_.trainable_stages);
}

RetinaNet::Raw RetinaNet::forward(const Variable& x) {
  CAWE_CHECK(x.rank() == 4 && x.dim(2) >= 32 && x.dim(3) >= 32, Code::shape,
             "RetinaNet: the input has shape ", x.shape(),
             " (expected [N, 3, H, W] with sides of at least 32)");
  std::vector<Variable> maps = body_.forward(x);
  maps.erase(maps.begin());  // C2 is not used: its memory is freed here
  const std::vector<Variable> levels = fpn_.forward(maps);
  Raw raw;
  for (const Variable& level : levels) raw.grids.push_back({level.dim(2), level.dim(3)});
  raw.anchors = anchors_.of(config_.anchors, x.dim(2), x.dim(3), raw.grids, x.device());
  RetinaNetHead::Output out = head_.forward(levels);
  raw.logits = out.logits;
  raw.deltas = out.deltas;
  return raw;
}

RetinaNet::Losses RetinaNet::loss_of(const Variable& x, const std::vector<Tensor>& targets) {
  const Tensor& truth = targets.at(0);
  const Raw raw = forward(x);
  const Variable raw_logits = nn::at_least_f32(raw.logits), deltas = nn::at_least_f32(raw.deltas);
  const DType dtype = raw_logits.dtype();
  const int64_t n = x.dim(0), count = raw.anchors.dim(0);
  const auto fresh = [&](const Shape& shape) {
    return Tensor::empty(shape, DType::f32, Layout::contiguous, x.device());
  };
  Tensor foreground = fresh({n, count}), offsets = fresh({n, count, 4}),
         classes = fresh({n, count, config_.classes}), none;
  primitives::match_targets(matched(raw.anchors, {}, truth, config_.match), {}, raw.anchors, truth, {}, 0,
                            foreground, offsets, none, classes, none);
  const Variable scale(shares_of_rows(foreground, 1).to(dtype)), logits = reshape(raw_logits, {n, -1});
  const Variable focal = sigmoid_focal_loss(logits, classes.reshape({n, -1}).to(dtype), config_.focal_alpha,
                                            config_.focal_gamma);
  const Variable box = smooth_l1(deltas, offsets.to(dtype), foreground.to(dtype), config_.box_beta);
  const Variable classification = batch_mean(mul(focal, scale)), regression = batch_mean(mul(box, scale));
  return {add(classification, regression), {{"class", classification.value()}, {"box", regression.value()}}};
}

FoundOnDevice RetinaNet::find(const Tensor& x) {
  const nn::EvalMode evaluating(*this);
  const NoGrad no_history;
  return postprocess(forward(Variable(x)), x.dim(2), x.dim(3));
}

}  // namespace cawe::models
