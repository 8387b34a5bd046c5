// SPDX-License-Identifier: Apache-2.0
// Region proposal network (Ren et al. 2015, arXiv 1506.01497) on a feature pyramid, with torchvision's names
// and rules: anchors with IoU >= 0.7 are foreground, < 0.3 background; 256 are sampled for each image, at
// most half of them foreground; NMS at 0.7 within each level.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/anchors.h"
#include "models/detection_model.h"
#include "models/sampling.h"
#include "nn/conv2d.h"
#include "tensor/primitives/params.h"
#include "tensor/tensor.h"

namespace cawe::models {

/// P2 ... P6: one scale for each level, 32 to 512 pixels.
AnchorSettings rpn_anchors();

/// How many proposals are kept.
struct ProposalSettings {
  int64_t before_nms = 2000;  ///< candidates of each level, by logit
  int64_t after_nms = 2000;   ///< proposals kept of an image
};

struct RpnConfig {
  AnchorSettings anchors = rpn_anchors();
  MatchParams match{0.7, 0.3, true};
  SamplingOptions sampling{256, 0.5};
  ProposalSettings train{2000, 2000}, test{1000, 1000};
  double nms_iou = 0.7;
  double least_side = 1e-3;  ///< pixels; smaller proposals are dropped
  double beta = 1.0 / 9;     ///< smooth L1
};

/// The proposal network: for A anchors an objectness logit and four offsets each.
class RegionProposals : public nn::Module {
 public:
  RegionProposals(int64_t channels, const RpnConfig& config);

  struct Output {
    Variable logits;  ///< [N, A]
    Variable deltas;  ///< [N, A, 4]
    std::vector<GridSize> grids;
  };
  /// Levels [N, C, H, W], finest first.
  Output forward(const std::vector<Variable>& levels);

  /// Targets of the sampled anchors, f32: foreground [N, A], 1 where a sampled anchor has a box; sampled [N,
  /// A], 1 or 0; deltas [N, A, 4], the offsets of these boxes, else 0; scale [1], images / sampled anchors of
  /// all ranks.
  struct Targets {
    Tensor foreground, sampled, deltas, scale;
  };
  Targets targets(const Tensor& anchors, const std::vector<Truth>& truths, const std::vector<DrawKey>& draws,
                  const std::vector<std::string>& images) const;

  /// Mean BCE over the sampled anchors of all ranks; smooth L1 of the foreground ones over the same number.
  struct Losses {
    Variable objectness, box;
  };
  Losses loss(const Output& out, const Targets& targets) const;

  /// Proposals of each image, best first: decoded, clipped, tiny ones dropped, after NMS within each level.
  std::vector<std::vector<Box>> proposals(const Output& out, const Tensor& anchors, int64_t height,
                                          int64_t width, const std::vector<std::string>& images) const;

  const RpnConfig& config() const { return config_; }

 private:
  std::vector<Box> proposals_of(const Tensor& logits, const Tensor& deltas, const Tensor& anchors,
                                const std::vector<GridSize>& grids, int64_t height, int64_t width) const;
  RpnConfig config_;
  nn::Conv2d conv_, cls_logits_, bbox_pred_;
};

}  // namespace cawe::models
