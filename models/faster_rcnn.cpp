// SPDX-License-Identifier: Apache-2.0
#include "models/faster_rcnn.h"

#include <algorithm>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/pooling.h"
#include "models/matcher.h"

namespace cawe::models {
namespace {

const FasterRcnnConfig& checked(const FasterRcnnConfig& c) {
  CAWE_CHECK(c.rpn.anchors.sizes.size() == 5, Code::usage, "Faster R-CNN: anchor sizes for ",
             c.rpn.anchors.sizes.size(), " levels (expected 5: P2 to P6)");
  CAWE_CHECK(c.backbone.output_stride == 32, Code::usage, "Faster R-CNN: backbone output_stride ",
             c.backbone.output_stride, " (expected 32: the pyramid halves at each level)");
  CAWE_CHECK(c.classes > 0, Code::usage, "Faster R-CNN: ", c.classes, " classes (expected at least 1)");
  return c;
}

FpnConfig fpn_config(const FasterRcnnConfig& c, const StageInfo& stages) {
  FpnConfig fpn;
  fpn.in.assign(stages.channels.begin(), stages.channels.end());
  fpn.channels = c.channels;
  return fpn;
}

std::vector<int64_t> strides_of(const StageInfo& stages) {
  return {stages.strides.begin(), stages.strides.end()};
}

constexpr float kEmptyRow = -1, kIgnoredRow = -2;

/// Boxes and labels of a batch as one tensor [N, G, 5] on the CPU, ignored regions with kIgnoredRow as
/// their label.
Tensor packed(const std::vector<Truth>& truths) {
  size_t most = 0;
  for (const Truth& t : truths) most = std::max(most, t.boxes.size() + t.ignored.size());
  Tensor all = Tensor::full({int64_t(truths.size()), int64_t(most), 5}, kEmptyRow);
  for (size_t i = 0; i < truths.size(); ++i) {
    float* row = all.data<float>() + i * most * 5;
    const auto put = [&](const Box& box, float label) {
      std::copy_n(&box.x1, 4, row);
      row[4] = label;
      row += 5;
    };
    for (size_t k = 0; k < truths[i].boxes.size(); ++k) put(truths[i].boxes[k], float(truths[i].labels[k]));
    for (const Box& box : truths[i].ignored) put(box, kIgnoredRow);
  }
  return all;
}

std::vector<Truth> unpacked(const Tensor& all) {
  std::vector<Truth> truths(size_t(all.dim(0)));
  const float* row = all.data<float>();
  for (Truth& t : truths)
    for (int64_t k = 0; k < all.dim(1); ++k, row += 5) {
      if (row[4] == kEmptyRow) continue;
      const Box box{row[0], row[1], row[2], row[3]};
      if (row[4] == kIgnoredRow) {
        t.ignored.push_back(box);
        continue;
      }
      t.boxes.push_back(box);
      t.labels.push_back(int64_t(row[4]));
    }
  return truths;
}

Tensor packed(const std::vector<DrawKey>& draws) {
  std::vector<int64_t> keys;
  for (const DrawKey& d : draws)
    keys.insert(keys.end(), {int64_t(d.seed), int64_t(d.step), int64_t(d.image)});
  return Tensor::from(keys, {int64_t(draws.size()), 3});
}

std::vector<DrawKey> keys_of(const Tensor& packed_keys) {
  const int64_t* k = packed_keys.data<int64_t>();
  std::vector<DrawKey> draws;
  for (int64_t i = 0; i < packed_keys.dim(0); ++i, k += 3)
    draws.push_back({uint64_t(k[0]), uint64_t(k[1]), uint64_t(k[2])});
  return draws;
}

}  // namespace

FasterRcnn::FasterRcnn(const FasterRcnnConfig& config)
    : config_(checked(config)),
      body_(config.backbone),
      fpn_(fpn_config(config, body_.stages())),
      rpn_(config.channels, config.rpn),
      roi_heads_(config.channels, config.classes, strides_of(body_.stages()), config.roi) {
  child("backbone.body", body_);
  child("backbone.fpn", fpn_);
  child("rpn", rpn_);
  child("roi_heads", roi_heads_);
  body_.set_trainable_stages(config_.trainable_stages);
}

FasterRcnn::Features FasterRcnn::forward(const Variable& x) {
  CAWE_CHECK(x.rank() == 4 && x.dim(2) >= 32 && x.dim(3) >= 32, Code::shape,
             "Faster R-CNN: the input has shape ", x.shape(),
             " (expected [N, 3, H, W] with sides of at least 32)");
  Features f;
  f.levels = fpn_.forward(body_.forward(x));
  std::vector<Variable> with_p6 = f.levels;
  with_p6.push_back(max_pool2d(f.levels.back(), {1, 2, 0}));
  f.rpn = rpn_.forward(with_p6);
  f.anchors = anchors_.of(config_.rpn.anchors, x.dim(2), x.dim(3), f.rpn.grids, x.device());
  return f;
}

std::vector<Tensor> FasterRcnn::targets(int64_t height, int64_t width, const std::vector<Truth>& truths,
                                        const std::vector<DrawKey>& draws, Device device,
                                        const std::vector<std::string>& images) {
  for (size_t i = 0; i < truths.size(); ++i)
    check_truth(truths[i], config_.classes, image_name(images, int64_t(i)));
  const Tensor anchors = anchors_.of(config_.rpn.anchors, height, width,
                                     pyramid_grids(height, width, strides_of(body_.stages()), 1), device);
  const RegionProposals::Targets t = rpn_.targets(anchors, truths, draws, images);
  return {t.foreground, t.sampled, t.deltas, t.scale, packed(truths), packed(draws)};
}

DetectionModel::Losses FasterRcnn::loss_of(const Variable& x, const std::vector<Tensor>& targets) {
  const Features f = forward(x);
  const RegionProposals::Losses rpn =
      rpn_.loss(f.rpn, {targets.at(0), targets.at(1), targets.at(2), targets.at(3)});
  const RoiHeads::Losses roi = roi_heads_.loss(f.levels, proposals(f, x.dim(2), x.dim(3)),
                                               unpacked(targets.at(4)), keys_of(targets.at(5)));
  return {add(add(rpn.objectness, rpn.box), add(roi.classification, roi.box)),
          {{"objectness", rpn.objectness.value()},
           {"proposal", rpn.box.value()},
           {"class", roi.classification.value()},
           {"box", roi.box.value()}}};
}

std::vector<std::vector<Box>> FasterRcnn::proposals(const Features& f, int64_t height, int64_t width,
                                                    const std::vector<std::string>& images) const {
  return rpn_.proposals(f.rpn, f.anchors, height, width, images);
}

std::vector<Detections> FasterRcnn::detect(const Tensor& x, const std::vector<std::string>& images) {
  const nn::EvalMode evaluating(*this);
  const NoGrad no_history;
  const int64_t height = x.dim(2), width = x.dim(3);
  const Features f = forward(Variable(x));
  return roi_heads_.detect(f.levels, proposals(f, height, width, images), height, width, config_.postprocess,
                           images);
}

}  // namespace cawe::models
