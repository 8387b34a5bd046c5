// SPDX-License-Identifier: Apache-2.0
// RetinaNet (Lin et al. 2017, arXiv 1708.02002) on ResNet and FPN, with torchvision's topology and names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/anchors.h"
#include "models/detection_model.h"
#include "models/fpn.h"
#include "models/resnet.h"
#include "tensor/primitives/params.h"
#include "tensor/tensor.h"

namespace cawe::models {

/// Sizes and settings of the whole detector.
struct RetinaNetConfig {
  ResNetConfig backbone;
  /// How many of stem, layer1 ... layer4 train, from the end; 3 with loaded weights.
  int trainable_stages = 5;
  int64_t channels = 256;  ///< of the feature pyramid and the towers
  int head_convs = 4;      ///< in each tower
  int extra_levels = 2;    ///< P6, P7
  P6From p6_from = P6From::p5;
  /// Logits for each anchor: foreground classes only (torchvision's files also count background as a class).
  int64_t classes = 1;
  AnchorSettings anchors = retinanet_anchors();
  MatchParams match{0.5, 0.4, true};
  double focal_alpha = 0.25, focal_gamma = 2;
  /// Foreground probability that the class bias starts from: bias = -ln((1 - prior) / prior).
  double prior = 0.01;
  double box_beta = 0;  ///< smooth L1; 0 is L1
  PostprocessSettings postprocess;
};

/// The part that all levels share: two towers of 3x3 convolutions with ReLU, and the two outputs.
class RetinaNetHead : public nn::Module {
 public:
  explicit RetinaNetHead(const RetinaNetConfig& config);
  struct Output {
    Variable logits;  ///< [N, A, K]
    Variable deltas;  ///< [N, A, 4]
  };
  /// Levels [N, C, H, W] to the outputs of all anchors, by level, row, column, base anchor.
  Output forward(const std::vector<Variable>& levels);

 private:
  using Tower = std::vector<std::unique_ptr<nn::Conv2d>>;
  Tower make_tower(const std::string& name, const RetinaNetConfig& config);
  Variable run(Tower& tower, nn::Conv2d& output, const Variable& x, int64_t per_anchor);
  Tower classification_, regression_;
  std::unique_ptr<nn::Conv2d> cls_logits_, bbox_reg_;
  int64_t classes_;
};

/// The detector: ResNet, FPN, head.
class RetinaNet : public DetectionModel {
 public:
  explicit RetinaNet(const RetinaNetConfig& config);

  struct Raw {
    Variable logits, deltas;      ///< [N, A, K] and [N, A, 4]
    Tensor anchors;               ///< [A, 4]
    std::vector<GridSize> grids;  ///< of the levels, finest first
  };
  /// x [N, 3, H, W], normalised; H and W at least 32.
  Raw forward(const Variable& x);

  /// Terms: "class", the focal loss, and "box", smooth L1. Of both, each image's sum divided by its foreground
  /// anchors (at least 1), then the mean over the batch of all ranks. Nothing is sampled.
  Losses loss_of(const Variable& x, const std::vector<Tensor>& targets) override;

  FoundOnDevice find(const Tensor& x) override;
  /// Post-processing alone: in each level threshold, top k, decode, clip; then NMS within each class over all
  /// levels, and the best of all.
  FoundOnDevice postprocess(const Raw& raw, int64_t height, int64_t width) const;

  const RetinaNetConfig& config() const { return config_; }
  int64_t classes() const override { return config_.classes; }
  PostprocessSettings& postprocess_settings() override { return config_.postprocess; }
  ResNet& backbone() { return body_; }

 private:
  RetinaNetConfig config_;
  ResNet body_;
  Fpn fpn_;
  RetinaNetHead head_;
  AnchorCache anchors_;
};

}  // namespace cawe::models
