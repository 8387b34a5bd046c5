// SPDX-License-Identifier: Apache-2.0
// RetinaNet (Lin et al. 2017, arXiv 1708.02002) on ResNet and FPN, with torchvision's topology and names.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "models/anchors.h"
#include "models/detection.h"
#include "models/fpn.h"
#include "models/matcher.h"
#include "models/resnet.h"

namespace cawe::models {

struct RetinaNetConfig {
  ResNetConfig backbone;
  int trainable_stages = 5;  ///< of stem, layer1 ... layer4, counted from the end; 3 with loaded weights
  int64_t channels = 256;    ///< of the pyramid and the towers
  int head_convs = 4;        ///< in each tower
  int extra_levels = 2;      ///< P6, P7
  P6From p6_from = P6From::p5;
  int64_t classes = 1;  ///< logits an anchor: foreground classes only (torchvision's files count background)
  AnchorSettings anchors = retinanet_anchors();
  MatchParams match{0.5, 0.4, true};
  double focal_alpha = 0.25, focal_gamma = 2;
  double prior = 0.01;  ///< probability that the class bias starts from
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

class RetinaNet : public nn::Module {
 public:
  explicit RetinaNet(const RetinaNetConfig& config);

  struct Raw {
    Variable logits, deltas;      ///< [N, A, K] and [N, A, 4]
    Tensor anchors;               ///< [A, 4]
    std::vector<GridSize> grids;  ///< of the levels, finest first
  };
  /// x [N, 3, H, W], normalised; H and W at least 32.
  Raw forward(const Variable& x);

  /// What a batch is trained towards, on the network's device.
  struct Targets {
    Tensor classes, deltas, foreground;  ///< AnchorTargets, in f32
    Tensor scale;                        ///< [N]: 1 / max(1, foreground anchors)
    int64_t count = 0;                   ///< matched anchors of this rank
  };
  /// Matches the anchors of an input of height x width with each image's boxes; none may have any.
  Targets targets(int64_t height, int64_t width, const std::vector<Truth>& truths, Device device,
                  const std::vector<std::string>& images = {});

  /// Each a tensor of one element; nothing of it has come to the host.
  struct LossParts {
    Variable total;
    Tensor classification, box;
  };
  /// Focal loss and box loss, each image's sum times its scale, and their mean over the batch of all ranks.
  LossParts loss_of(const Variable& x, const Targets& targets);

  struct Losses {
    Variable total;              ///< classification + box, one element: the mean over the batch of all ranks
    double classification, box;  ///< its two parts, for logs
    int64_t foreground;          ///< matched anchors of this rank
  };
  /// Both in one, with the values on the host. `images` are names for errors, and may be empty.
  Losses loss(const Variable& x, const std::vector<Truth>& truths,
              const std::vector<std::string>& images = {});

  /// Detections of each image, best first; network in evaluation mode. Throws Code::numeric naming the image
  /// where an output is not finite.
  std::vector<Detections> detect(const Tensor& x, const std::vector<std::string>& images = {});
  /// The last step alone, by level: threshold, top k, decode, clip, NMS in each class, the best of all.
  std::vector<Detections> postprocess(const Raw& raw, int64_t height, int64_t width,
                                      const std::vector<std::string>& images = {}) const;

  const RetinaNetConfig& config() const { return config_; }
  PostprocessSettings& postprocess_settings() { return config_.postprocess; }
  ResNet& backbone() { return body_; }

 private:
  std::vector<GridSize> grids(int64_t height, int64_t width) const;
  Tensor anchors_for(int64_t height, int64_t width, const std::vector<GridSize>& grids, Device device);
  RetinaNetConfig config_;
  ResNet body_;
  Fpn fpn_;
  RetinaNetHead head_;
  std::mutex cache_mutex_;
  std::map<std::pair<int64_t, int64_t>, Tensor> anchor_cache_;
};

}  // namespace cawe::models
