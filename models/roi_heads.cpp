// SPDX-License-Identifier: Apache-2.0
#include "models/roi_heads.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/gather_rows.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/reductions.h"
#include "autograd/ops/roi_align.h"
#include "autograd/ops/shape.h"
#include "models/box_coding.h"
#include "models/candidates.h"
#include "models/matcher.h"
#include "nn/precision.h"
#include "tensor/communicator.h"
#include "tensor/denormals.h"
#include "tensor/parallel.h"
#include "tensor/primitives/roi_align.h"
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
      classes_(classes),
      fc6_(head_layer(channels * config.pooled * config.pooled, config.hidden, config.init,
                      nn::Init::kaiming_uniform(1))),
      fc7_(head_layer(config.hidden, config.hidden, config.init, nn::Init::kaiming_uniform(1))),
      cls_score_(head_layer(config.hidden, classes + 1, config.init, nn::Init::normal(0.01))),
      bbox_pred_(head_layer(config.hidden, 4 * (classes + 1), config.init, nn::Init::normal(0.001))) {
  child("box_head.fc6", fc6_);
  child("box_head.fc7", fc7_);
  child("box_predictor.cls_score", cls_score_);
  child("box_predictor.bbox_pred", bbox_pred_);
}

/// k = floor(k0 + log2(sqrt(area) / 224) + 1e-6), Eq. 1 of Lin et al. 2017 (arXiv 1612.03144); the 1e-6 is
/// torchvision's.
int32_t RoiHeads::level_of(const Box& box) const {
  const float side = std::sqrt(box.area());
  const float level =
      std::floor(float(config_.canonical_level) + std::log2(side / float(config_.canonical_size)) + 1e-6f);
  const float last = float(strides_.size()) - 1;
  return int32_t(std::clamp(level - 2, 0.0f, last));
}

Regions RoiHeads::regions(const std::vector<std::vector<Box>>& proposals, int64_t slots,
                          Device device) const {
  const int64_t n = int64_t(proposals.size());
  const KeepDenormals exact;
  std::vector<float> boxes(size_t(n * slots * 4), 0.0f);
  std::vector<int32_t> place(size_t(n * slots * 2), -1);
  for (int64_t i = 0; i < n; ++i) {
    const std::vector<Box>& mine = proposals[size_t(i)];
    CAWE_CHECK(int64_t(mine.size()) <= slots, Code::internal, "RoI heads: ", mine.size(), " boxes for ",
               slots, " slots");
    for (int64_t k = 0; k < slots; ++k) {
      const size_t row = size_t(i * slots + k);
      place[2 * row] = int32_t(i);
      if (k >= int64_t(mine.size())) continue;
      const Box& b = mine[size_t(k)];
      std::copy_n(&b.x1, 4, boxes.begin() + int64_t(4 * row));
      place[2 * row + 1] = level_of(b);
    }
  }
  return {Tensor::from(boxes, {n * slots, 4}).to(device), Tensor::from(place, {n * slots, 2}).to(device),
          slots};
}

RoiHeads::Output RoiHeads::forward(const std::vector<Variable>& levels, const Regions& regions) {
  RoiAlignParams p;
  p.pooled = config_.pooled;
  p.sampling_ratio = config_.sampling_ratio;
  p.aligned = config_.aligned;
  for (const int64_t stride : strides_) p.scales.push_back(1.0 / double(stride));
  const Variable pooled = roi_align(levels, regions.boxes, regions.place, p);
  const Variable flat = reshape(pooled, {pooled.dim(0), -1});
  const Variable features = relu(fc7_.forward(relu(fc6_.forward(flat))));
  return {cls_score_.forward(features), bbox_pred_.forward(features)};
}

/// Targets of the sampled proposals, `slots` for each image: labels [R], 0 is background; [N, slots] 1 where
/// a slot is in use; offsets of the matched box [N, slots, 4]; 1 where it is foreground [N, slots]; and [1]
/// images / sampled proposals, of all ranks.
struct RoiHeads::Targets {
  std::vector<int64_t> labels;
  Tensor counts, deltas, foreground, scale;
};

RoiHeads::Targets RoiHeads::targets(const std::vector<std::vector<Box>>& proposals,
                                    const std::vector<Truth>& truths, const std::vector<DrawKey>& draws,
                                    std::vector<std::vector<Box>>* chosen) const {
  const KeepDenormals exact;
  const int64_t n = int64_t(proposals.size()), slots = config_.sampling.count;
  Targets t{std::vector<int64_t>(size_t(n * slots), 0),
            Tensor::zeros({n, slots}),
            Tensor::zeros({n, slots, 4}),
            Tensor::zeros({n, slots}),
            {}};
  chosen->assign(size_t(n), {});
  parallel_tasks(n, [&](int64_t i) {
    const std::vector<Box>& mine = proposals[size_t(i)];
    const Truth& truth = truths[size_t(i)];
    std::vector<float> corners;
    for (const Box& b : mine) corners.insert(corners.end(), {b.x1, b.y1, b.x2, b.y2});
    const std::vector<int64_t> matched =
        match_image(Anchors(Tensor::from(corners, {int64_t(mine.size()), 4})), truth, config_.match);
    const Sample s = sample(matched, config_.sampling, draws[size_t(i)], "roi samples");
    int64_t slot = i * slots;
    const auto take = [&](int64_t k) {
      (*chosen)[size_t(i)].push_back(mine[size_t(k)]);
      t.counts.data<float>()[slot] = 1;
      const int64_t g = matched[size_t(k)];
      if (g >= 0) {
        t.labels[size_t(slot)] = 1 + truth.labels[size_t(g)];
        t.foreground.data<float>()[slot] = 1;
        const auto code = encode_box(truth.boxes[size_t(g)], mine[size_t(k)], config_.coding);
        std::copy(code.begin(), code.end(), t.deltas.data<float>() + slot * 4);
      }
      ++slot;
    };
    for (const int64_t k : s.foreground) take(k);
    for (const int64_t k : s.background) take(k);
  });
  double sums[2] = {double(n), 0};
  for (const auto& boxes : *chosen) sums[1] += double(boxes.size());
  current_communicator().all_reduce_sum(sums, 2);
  t.scale = Tensor::from(std::vector<float>{float(sums[0] / std::max(1.0, sums[1]))}, {1});
  return t;
}

RoiHeads::Losses RoiHeads::loss(const std::vector<Variable>& levels, std::vector<std::vector<Box>> proposals,
                                const std::vector<Truth>& truths, const std::vector<DrawKey>& draws) {
  const Device device = levels[0].device();
  for (size_t i = 0; i < proposals.size(); ++i)
    proposals[i].insert(proposals[i].end(), truths[i].boxes.begin(), truths[i].boxes.end());
  std::vector<std::vector<Box>> chosen;
  const Targets t = targets(proposals, truths, draws, &chosen);
  const int64_t n = int64_t(chosen.size()), slots = config_.sampling.count, rows = n * slots;
  const Output out = forward(levels, regions(chosen, slots, device));
  const Variable logits = nn::at_least_f32(out.logits), deltas = nn::at_least_f32(out.deltas);
  const DType dtype = logits.dtype();
  const auto constant = [&](const Tensor& x) { return x.to(device).to(dtype); };
  const Variable scale(constant(t.scale)), counts(constant(t.counts));
  const Variable entropy =
      reshape(cross_entropy(logits, Tensor::from(t.labels, {rows}).to(device)), {n, slots});
  std::vector<int64_t> own_class;  // rows of [R (classes + 1), 4]
  for (int64_t r = 0; r < rows; ++r) own_class.push_back(r * (classes_ + 1) + t.labels[size_t(r)]);
  const Variable own =
      gather_rows(reshape(deltas, {rows * (classes_ + 1), 4}), Tensor::from(own_class, {rows}).to(device));
  const Variable box =
      smooth_l1(reshape(own, {n, slots, 4}), constant(t.deltas), constant(t.foreground), config_.beta);
  return {batch_mean(mul(sum(mul(entropy, counts), {1}), scale)), batch_mean(mul(box, scale))};
}

/// scores [R, classes + 1], deltas [R, 4 (classes + 1)], boxes [R, 4] of one image.
Detections RoiHeads::detections(const Tensor& scores, const Tensor& deltas, const Tensor& boxes,
                                int64_t height, int64_t width, const PostprocessSettings& s) const {
  const int64_t rows = scores.dim(0), all_classes = classes_ + 1;
  const std::vector<float> p = scores.to(Device::cpu).to_vector<float>();
  const float least = float(config_.least_side);
  Candidates candidates;
  for (int64_t c = 1; c < all_classes; ++c) {
    std::vector<int64_t> index, from;
    for (int64_t r = 0; r < rows; ++r) {
      if (!(p[size_t(r * all_classes + c)] > float(s.score_threshold))) continue;
      index.push_back(r * all_classes + c);
      from.push_back(r);
    }
    const std::vector<float> corners = decoded(take_rows(deltas.reshape({rows * all_classes, 4}), index),
                                               take_rows(boxes, from), config_.coding, height, width);
    for (size_t k = 0; k < index.size(); ++k) {
      const float* b = corners.data() + 4 * k;
      if (b[2] - b[0] < least || b[3] - b[1] < least) continue;
      candidates.boxes.insert(candidates.boxes.end(), b, b + 4);
      candidates.scores.push_back(p[size_t(index[k])]);
      candidates.classes.push_back(c - 1);
    }
  }
  return detections_of(candidates, s, scores.device());
}

std::vector<Detections> RoiHeads::detect(const std::vector<Variable>& levels,
                                         const std::vector<std::vector<Box>>& proposals, int64_t height,
                                         int64_t width, const PostprocessSettings& settings,
                                         const std::vector<std::string>& images) {
  size_t most = 0;
  for (const auto& boxes : proposals) most = std::max(most, boxes.size());
  std::vector<Detections> all(proposals.size());
  if (most == 0) return all;
  const int64_t slots = int64_t(most);
  const Regions where = regions(proposals, slots, levels[0].device());
  const Output out = forward(levels, where);
  const Tensor logits = out.logits.value().to(DType::f32), deltas = out.deltas.value().to(DType::f32);
  const KeepDenormals exact;
  Tensor scores = Tensor::like(logits);
  primitives::softmax(logits, scores);
  parallel_tasks(int64_t(proposals.size()), [&](int64_t i) {
    const int64_t begin = i * slots, end = begin + int64_t(proposals[size_t(i)].size());
    if (begin == end) return;
    CAWE_CHECK(all_finite(logits.slice(0, begin, end)) && all_finite(deltas.slice(0, begin, end)),
               Code::numeric, image_name(images, i),
               ": the detector's output is not finite (bad weights or pixels)");
    all[size_t(i)] = detections(scores.slice(0, begin, end), deltas.slice(0, begin, end),
                                where.boxes.slice(0, begin, end), height, width, settings);
  });
  return all;
}

}  // namespace cawe::models
