// SPDX-License-Identifier: Apache-2.0
#include "models/region_proposals.h"

#include <algorithm>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/shape.h"
#include "models/box_coding.h"
#include "models/candidates.h"
#include "models/matcher.h"
#include "nn/precision.h"
#include "tensor/communicator.h"
#include "tensor/denormals.h"
#include "tensor/parallel.h"
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

RegionProposals::Targets RegionProposals::targets(const Tensor& anchors, const std::vector<Truth>& truths,
                                                  const std::vector<DrawKey>& draws,
                                                  const std::vector<std::string>& images) const {
  const KeepDenormals exact;
  const int64_t n = int64_t(truths.size()), count = anchors.dim(0);
  Targets t{Tensor::zeros({n, count}), Tensor::zeros({n, count}), Tensor::zeros({n, count, 4}), {}};
  const Anchors copied(anchors);
  std::vector<int64_t> sampled(size_t(n), 0);
  parallel_tasks(n, [&](int64_t i) {
    const Truth& truth = truths[size_t(i)];
    const std::vector<int64_t> matched = match_image(copied, truth, config_.match);
    const Sample s = sample(matched, config_.sampling, draws[size_t(i)], "rpn samples");
    float* mask = t.sampled.data<float>() + i * count;
    for (const int64_t a : s.background) mask[a] = 1;
    for (const int64_t a : s.foreground) {
      mask[a] = t.foreground.data<float>()[i * count + a] = 1;
      const auto code = encode_box(truth.boxes[size_t(matched[size_t(a)])], copied.boxes[a]);
      std::copy(code.begin(), code.end(), t.deltas.data<float>() + (i * count + a) * 4);
    }
    sampled[size_t(i)] = int64_t(s.foreground.size() + s.background.size());
  });
  for (int64_t i = 0; i < n; ++i)
    CAWE_CHECK(sampled[size_t(i)] > 0 || !truths[size_t(i)].ignored.empty(), Code::data,
               image_name(images, i), ": no anchor to learn from (rpn.match.* leave out every one)");
  double sums[2] = {double(n), 0};
  for (const int64_t k : sampled) sums[1] += double(k);
  current_communicator().all_reduce_sum(sums, 2);
  const Device device = anchors.device();
  t.foreground = t.foreground.to(device);
  t.sampled = t.sampled.to(device);
  t.deltas = t.deltas.to(device);
  t.scale = Tensor::from(std::vector<float>{float(sums[0] / std::max(1.0, sums[1]))}, {1}).to(device);
  return t;
}

RegionProposals::Losses RegionProposals::loss(const Output& out, const Targets& t) const {
  const Variable logits = nn::at_least_f32(out.logits), deltas = nn::at_least_f32(out.deltas);
  const DType dtype = logits.dtype();
  const Variable scale(t.scale.to(dtype));
  const Variable objectness = bce_with_logits(logits, t.foreground.to(dtype), t.sampled.to(dtype));
  const Variable box = smooth_l1(deltas, t.deltas.to(dtype), t.foreground.to(dtype), config_.beta);
  return {batch_mean(mul(objectness, scale)), batch_mean(mul(box, scale))};
}

std::vector<Box> RegionProposals::proposals_of(const Tensor& logits, const Tensor& deltas,
                                               const Tensor& anchors, const std::vector<GridSize>& grids,
                                               int64_t height, int64_t width) const {
  const ProposalSettings& s = training() ? config_.train : config_.test;
  Tensor scores = Tensor::like(logits);
  primitives::unary(UnaryOp::sigmoid, 0, 0, logits, scores);
  Candidates all;
  int64_t begin = 0;
  for (size_t level = 0; level < grids.size(); ++level) {
    const int64_t end = begin + grids[level].rows * grids[level].columns * config_.anchors.per_cell();
    // The best of a level by logit, since sigmoids have more ties; between levels by sigmoid, as torchvision
    // does.
    const std::vector<int64_t> best =
        primitives::top_k(logits.slice(0, begin, end), std::min(s.before_nms, end - begin));
    const auto before = std::ptrdiff_t(all.classes.size());
    // Sigmoids are never below 0: only small boxes are left out.
    add_candidates(scores.slice(0, begin, end).reshape({-1, 1}), deltas.slice(0, begin, end),
                   anchors.slice(0, begin, end), best, {-1, config_.least_side}, height, width, all);
    std::fill(all.classes.begin() + before, all.classes.end(), int64_t(level));  // NMS is within a level
    begin = end;
  }
  std::vector<Box> kept;
  for (const int64_t k : suppressed(all, config_.nms_iou, s.after_nms, logits.device()))
    kept.push_back(all.box(size_t(k)));
  return kept;
}

std::vector<std::vector<Box>> RegionProposals::proposals(const Output& out, const Tensor& anchors,
                                                         int64_t height, int64_t width,
                                                         const std::vector<std::string>& images) const {
  const KeepDenormals exact;
  const Tensor logits = out.logits.value().to(DType::f32), deltas = out.deltas.value().to(DType::f32);
  std::vector<std::vector<Box>> all(static_cast<size_t>(logits.dim(0)));
  parallel_tasks(logits.dim(0), [&](int64_t i) {
    const Tensor z = logits.slice(0, i, i + 1), d = deltas.slice(0, i, i + 1);
    CAWE_CHECK(all_finite(z) && all_finite(d), Code::numeric, image_name(images, i),
               ": the proposal network's output is not finite (bad weights or pixels)");
    all[size_t(i)] = proposals_of(z.reshape({-1}), d.reshape({-1, 4}), anchors, out.grids, height, width);
  });
  return all;
}

}  // namespace cawe::models
