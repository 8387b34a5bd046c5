// SPDX-License-Identifier: Apache-2.0
#include "models/retinanet.h"

#include <algorithm>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/shape.h"
#include "nn/precision.h"

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

/// 1 / max(1, foreground anchors) of each image.
Tensor normalisers(const std::vector<int64_t>& counts, DType dtype, Device device) {
  std::vector<float> values;
  for (int64_t count : counts) values.push_back(1.0f / float(std::max<int64_t>(1, count)));
  return Tensor::from(values, {int64_t(counts.size())}).to(dtype).to(device);
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

std::vector<Tensor> RetinaNet::targets(int64_t height, int64_t width, const std::vector<Truth>& truths,
                                       const std::vector<DrawKey>&, Device device,
                                       const std::vector<std::string>& images) {
  const auto& strides = body_.stages().strides;
  const Tensor anchors = anchors_.of(
      config_.anchors, height, width,
      pyramid_grids(height, width, {strides.begin() + 1, strides.end()}, config_.extra_levels), device);
  const AnchorTargets t = make_targets(anchors, truths, config_.classes, config_.match, {}, images);
  return {t.classes, t.deltas, t.foreground, normalisers(t.counts, DType::f32, device)};
}

RetinaNet::Losses RetinaNet::loss_of(const Variable& x, const std::vector<Tensor>& targets) {
  const Tensor &classes = targets.at(0), &offsets = targets.at(1), &foreground = targets.at(2);
  const Raw raw = forward(x);
  const Variable raw_logits = nn::at_least_f32(raw.logits), deltas = nn::at_least_f32(raw.deltas);
  const DType dtype = raw_logits.dtype();
  const int64_t n = x.dim(0);
  const Variable scale(targets.at(3).to(dtype)), logits = reshape(raw_logits, {n, -1});
  const Variable focal =
      sigmoid_focal_loss(logits, classes.to(dtype), config_.focal_alpha, config_.focal_gamma);
  const Variable box = smooth_l1(deltas, offsets.to(dtype), foreground.to(dtype), config_.box_beta);
  const Variable classification = batch_mean(mul(focal, scale)), regression = batch_mean(mul(box, scale));
  return {add(classification, regression), {{"class", classification.value()}, {"box", regression.value()}}};
}

std::vector<Detections> RetinaNet::detect(const Tensor& x, const std::vector<std::string>& images) {
  const nn::EvalMode evaluating(*this);
  const NoGrad no_history;
  return postprocess(forward(Variable(x)), x.dim(2), x.dim(3), images);
}

}  // namespace cawe::models
