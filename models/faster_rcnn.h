// SPDX-License-Identifier: Apache-2.0
// Faster R-CNN (Ren et al. 2015, arXiv 1506.01497) on ResNet and FPN, with torchvision's topology, names,
// losses and detections.
#pragma once

#include <string>
#include <vector>

#include "models/fpn.h"
#include "models/region_proposals.h"
#include "models/resnet.h"
#include "models/roi_heads.h"

namespace cawe::models {

/// Sizes and settings of the whole detector.
struct FasterRcnnConfig {
  ResNetConfig backbone;
  /// How many of stem, layer1 ... layer4 train, from the end; 3 with loaded weights.
  int trainable_stages = 5;
  int64_t channels = 256;  ///< of the feature pyramid
  int64_t classes = 1;     ///< foreground; the box head has one output more, 0, for background
  RpnConfig rpn;
  RoiHeadsConfig roi;
  PostprocessSettings postprocess{0.05, 1000, 0.5, 100};
};

/// The detector: ResNet, FPN, proposals, box head.
class FasterRcnn : public DetectionModel {
 public:
  explicit FasterRcnn(const FasterRcnnConfig& config);

  struct Features {
    std::vector<Variable> levels;  ///< P2 ... P5
    RegionProposals::Output rpn;   ///< on P2 ... P6
    Tensor anchors;                ///< [A, 4]
  };
  /// x [N, 3, H, W], normalised; H and W at least 32.
  Features forward(const Variable& x);

  /// As the interface says; throws Code::data where `match` leaves out every anchor of an image.
  std::vector<Tensor> targets(int64_t height, int64_t width, const std::vector<Truth>& truths,
                              const std::vector<DrawKey>& draws, Device device,
                              const std::vector<std::string>& images = {}, int64_t least_rows = 0) override;
  /// Terms: "objectness" and "proposal" of the proposal network, "class" and "box" of the box head.
  Losses loss_of(const Variable& x, const std::vector<Tensor>& targets) override;
  FoundOnDevice find(const Tensor& x) override;

  const FasterRcnnConfig& config() const { return config_; }
  int64_t classes() const override { return config_.classes; }
  PostprocessSettings& postprocess_settings() override { return config_.postprocess; }
  ResNet& backbone() { return body_; }

 private:
  FasterRcnnConfig config_;
  ResNet body_;
  Fpn fpn_;
  RegionProposals rpn_;
  RoiHeads roi_heads_;
  AnchorCache anchors_;
};

}  // namespace cawe::models
