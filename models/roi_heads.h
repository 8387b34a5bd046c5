// SPDX-License-Identifier: Apache-2.0
// The second stage of Faster R-CNN (Ren et al. 2015; on a pyramid Lin et al. 2017, arXiv 1612.03144):
// RoIAlign, two linear layers, class and box outputs, with torchvision's names and rules. Class 0 is
// background. Proposals with IoU >= 0.5 are foreground; at most a quarter of the sampled ones are.
#pragma once

#include <string>
#include <vector>

#include "models/detection_model.h"
#include "models/region_proposals.h"
#include "models/sampling.h"
#include "nn/linear.h"
#include "tensor/primitives/params.h"
#include "tensor/tensor.h"

namespace cawe::models {

/// How the box head's linear layers start.
enum class HeadInit : uint8_t {
  torchvision,  ///< weights and biases uniform in +-1/sqrt(fan in)
  detectron2    ///< hidden ones Xavier (uniform), classes N(0, 0.01^2), boxes N(0, 0.001^2), biases 0
};

/// Settings of the box head.
struct RoiHeadsConfig {
  int64_t pooled = 7;           ///< bins on each side of a proposal
  int64_t sampling_ratio = 2;   ///< sampling points on each side of a bin; 0: as many as it has cells
  bool aligned = false;         ///< shift by half a cell (detectron2); torchvision has none
  double canonical_size = 224;  ///< a proposal with this side in pixels goes to level `canonical_level`
  int canonical_level = 4;
  int64_t hidden = 1024;  ///< width of the two linear layers
  MatchParams match{0.5, 0.5, false};
  SamplingOptions sampling{128, 0.25};
  BoxCoding coding{10, 10, 5, 5};
  double beta = 1.0 / 9;  ///< smooth L1
  HeadInit init = HeadInit::torchvision;
  double least_side = 1e-2;  ///< pixels, above 0 (empty slots have no size); smaller detections are dropped
};

/// Regions of a batch, as many slots for each image; an image with fewer has empty slots at the end.
struct Regions {
  Tensor boxes;  ///< [N, slots, 4] f32, pixels of the image; 0 in an empty slot
  Tensor place;  ///< [N, slots, 2] i32: image, level (-1: empty)
};

/// The least side, the root of a box's area in f32, with which a box goes to each of `levels` levels but the first. The
/// level is k = floor(k0 + log2(side / 224) + 1e-6), Eq. 1 of Lin et al. 2017; the 1e-6 is torchvision's. Sides are
/// compared in place of logarithms, in which devices differ.
std::vector<double> level_sides(const RoiHeadsConfig& config, int64_t levels);

/// The box head: R regions to classes + 1 logits and as many boxes.
class RoiHeads : public nn::Module {
 public:
  /// `strides` are those of the levels, finest first, from level 2 on.
  RoiHeads(int64_t channels, int64_t classes, const std::vector<int64_t>& strides,
           const RoiHeadsConfig& config);

  struct Output {
    Variable logits;  ///< [R, classes + 1], 0 is background
    Variable deltas;  ///< [R, 4 (classes + 1)]
  };
  Output forward(const std::vector<Variable>& levels, const Regions& regions);
  /// The boxes at positions `chosen` [N, slots] of boxes [N, M, 4], then -1.
  Regions regions(const Tensor& boxes, const Tensor& chosen) const;

  struct Losses {
    Variable classification, box;
  };
  /// Samples from proposals and true boxes of a batch (truths.h). Cross entropy: mean over all sampled ones of all
  /// ranks; smooth L1 of the foreground ones, for their own class, over the same number.
  Losses loss(const std::vector<Variable>& levels, const Proposals& proposals, const Tensor& truth,
              const Tensor& draws);

  /// Detections of each image: softmax, background left out, decoded, clipped, NMS in each class.
  FoundOnDevice find(const std::vector<Variable>& levels, const Proposals& proposals, int64_t height,
                     int64_t width, const PostprocessSettings& settings);

 private:
  struct Targets;
  Targets targets(const Proposals& proposals, const Tensor& truth, const Tensor& draws) const;

  RoiHeadsConfig config_;
  std::vector<int64_t> strides_;
  std::vector<double> sides_;  ///< least sides of the levels after the first
  int64_t classes_;
  nn::Linear fc6_, fc7_, cls_score_, bbox_pred_;
};

}  // namespace cawe::models
