// SPDX-License-Identifier: Apache-2.0
#include "models/faster_rcnn.h"

#include "autograd/ops/elementwise.h"
#include "autograd/ops/pooling.h"
#include "models/matcher.h"
#include "models/truths.h"

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
                                        const std::vector<std::string>& images, int64_t least_rows) {
  std::vector<Tensor> all = DetectionModel::targets(height, width, truths, draws, device, images, least_rows);
  const Tensor anchors =
      anchors_.of(config_.rpn.anchors, height, width,
                  pyramid_grids(height, width, strides_of(body_.stages()), 1), Device::cpu);
  const bool foreground = config_.rpn.sampling.params("").foreground > 0;
  const MatchParams match = config_.rpn.match_on(height, width);
  for (size_t i = 0; i < truths.size(); ++i)
    CAWE_CHECK(!truths[i].ignored.empty() || any_learns(anchors, truths[i], match, foreground), Code::data,
               image_name(images, int64_t(i)), ": no anchor to learn from (rpn.high, rpn.low",
               match.width > 0 ? " and rpn.cross_boundary" : "", " leave out every one)");
  return all;
}

DetectionModel::Losses FasterRcnn::loss_of(const Variable& x, const std::vector<Tensor>& targets) {
  const Tensor &truth = targets.at(0), &draws = targets.at(1);
  const Features f = forward(x);
  const RegionProposals::Losses rpn =
      rpn_.loss(f.rpn, rpn_.targets(f.anchors, truth, draws, x.dim(2), x.dim(3)));
  const RoiHeads::Losses roi =
      roi_heads_.loss(f.levels, rpn_.proposals(f.rpn, f.anchors, x.dim(2), x.dim(3)), truth, draws);
  return {add(add(rpn.objectness, rpn.box), add(roi.classification, roi.box)),
          {{"objectness", rpn.objectness.value()},
           {"proposal", rpn.box.value()},
           {"class", roi.classification.value()},
           {"box", roi.box.value()}}};
}

FoundOnDevice FasterRcnn::find(const Tensor& x) {
  const nn::EvalMode evaluating(*this);
  const NoGrad no_history;
  const int64_t height = x.dim(2), width = x.dim(3);
  const Features f = forward(Variable(x));
  return roi_heads_.find(f.levels, rpn_.proposals(f.rpn, f.anchors, height, width), height, width,
                         config_.postprocess);
}

}  // namespace cawe::models
