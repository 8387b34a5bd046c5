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
  maps.erase(maps.begin());  // C2 is not used: let it go
  const std::vector<Variable> levels = fpn_.forward(maps);
  Raw raw;
  for (const Variable& level : levels) raw.grids.push_back({level.dim(2), level.dim(3)});
  raw.anchors = anchors_for(x.dim(2), x.dim(3), raw.grids, x.device());
  RetinaNetHead::Output out = head_.forward(levels);
  raw.logits = out.logits;
  raw.deltas = out.deltas;
  return raw;
}

Tensor RetinaNet::anchors_for(int64_t height, int64_t width, const std::vector<GridSize>& grids,
                              Device device) {
  const std::lock_guard<std::mutex> lock(cache_mutex_);
  Tensor& anchors = anchor_cache_[{height, width}];
  if (!anchors.defined()) anchors = make_anchors(config_.anchors, height, width, grids);
  return anchors = anchors.to(device);
}

std::vector<GridSize> RetinaNet::grids(int64_t height, int64_t width) const {
  const auto cells = [](int64_t pixels, int64_t stride) { return (pixels + stride - 1) / stride; };
  std::vector<GridSize> all;
  const auto& strides = body_.stages().strides;
  for (size_t stage = 1; stage < strides.size(); ++stage)
    all.push_back({cells(height, strides[stage]), cells(width, strides[stage])});
  for (int i = 0; i < config_.extra_levels; ++i)
    all.push_back({cells(all.back().rows, 2), cells(all.back().columns, 2)});
  return all;
}

RetinaNet::Targets RetinaNet::targets(int64_t height, int64_t width, const std::vector<Truth>& truths,
                                      Device device, const std::vector<std::string>& images) {
  const Tensor anchors = anchors_for(height, width, grids(height, width), device);
  const AnchorTargets t = make_targets(anchors, truths, config_.classes, config_.match, {}, images);
  Targets out{t.classes, t.deltas, t.foreground, normalisers(t.counts, DType::f32, device), 0};
  for (int64_t count : t.counts) out.count += count;
  return out;
}

RetinaNet::LossParts RetinaNet::loss_of(const Variable& x, const Targets& targets) {
  const Raw raw = forward(x);
  const Variable raw_logits = nn::at_least_f32(raw.logits), deltas = nn::at_least_f32(raw.deltas);
  const DType dtype = raw_logits.dtype();
  const int64_t n = x.dim(0);
  const Variable scale(targets.scale.to(dtype)), logits = reshape(raw_logits, {n, -1});
  const Variable focal =
      sigmoid_focal_loss(logits, targets.classes.to(dtype), config_.focal_alpha, config_.focal_gamma);
  const Variable box =
      smooth_l1(deltas, targets.deltas.to(dtype), targets.foreground.to(dtype), config_.box_beta);
  const Variable classification = batch_mean(mul(focal, scale)), regression = batch_mean(mul(box, scale));
  return {add(classification, regression), classification.value(), regression.value()};
}

RetinaNet::Losses RetinaNet::loss(const Variable& x, const std::vector<Truth>& truths,
                                  const std::vector<std::string>& images) {
  CAWE_CHECK(int64_t(truths.size()) == x.dim(0), Code::shape, "RetinaNet: ", truths.size(),
             " lists of boxes for a batch of ", x.dim(0));
  const Targets t = targets(x.dim(2), x.dim(3), truths, x.device(), images);
  const LossParts parts = loss_of(x, t);
  return {parts.total, parts.classification.item(), parts.box.item(), t.count};
}

std::vector<Detections> RetinaNet::detect(const Tensor& x, const std::vector<std::string>& images) {
  const nn::EvalMode evaluating(*this);
  const NoGrad no_history;
  return postprocess(forward(Variable(x)), x.dim(2), x.dim(3), images);
}

}  // namespace cawe::models
