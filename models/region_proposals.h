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

/// Anchors that reach over the picture's edge: they train as the others do (torchvision), or "we ignore all
/// cross-boundary anchors so they do not contribute to the loss" (Ren et al. 2015, section 3.3). Either way they make
/// proposals, which are clipped.
enum class CrossBoundary : uint8_t { keep, ignore };

struct RpnConfig {
  AnchorSettings anchors = rpn_anchors();
  MatchParams match{0.7, 0.3, true};
  CrossBoundary cross_boundary = CrossBoundary::keep;
  SamplingOptions sampling{256, 0.5};
  ProposalSettings train{2000, 2000}, test{1000, 1000};
  double nms_iou = 0.7;
  double least_side = 1e-3;  ///< pixels; smaller proposals are dropped
  double beta = 1.0 / 9;     ///< smooth L1
  /// How anchors are matched on pictures of this size. Where those that cross the edge are ignored, a box's best anchor
  /// is the best one inside, as in the authors' code; detectron2's option takes them out after matching.
  MatchParams match_on(int64_t height, int64_t width) const;
};

/// Proposals of a batch, on its device.
struct Proposals {
  Tensor boxes;   ///< [N, M, 4] f32, pixels of the image
  Tensor kept;    ///< [N, D] i64: positions in boxes of an image's proposals, best first, then -1
  Tensor finite;  ///< [N]: 0, or NaN where an image's outputs are not finite
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
  /// Of anchors [A, 4] and a batch's truth and draws (truths.h), all on one device; height and width of the pictures.
  Targets targets(const Tensor& anchors, const Tensor& truth, const Tensor& draws, int64_t height,
                  int64_t width) const;

  /// Mean BCE over the sampled anchors of all ranks; smooth L1 of the foreground ones over the same number. Both
  /// are NaN where some output is not finite, sampled or not: proposals are made of all.
  struct Losses {
    Variable objectness, box;
  };
  Losses loss(const Output& out, const Targets& targets) const;

  /// Decoded, clipped, tiny ones dropped, after NMS within each level.
  Proposals proposals(const Output& out, const Tensor& anchors, int64_t height, int64_t width) const;

  const RpnConfig& config() const { return config_; }

 private:
  RpnConfig config_;
  nn::Conv2d conv_, cls_logits_, bbox_pred_;
};

}  // namespace cawe::models
