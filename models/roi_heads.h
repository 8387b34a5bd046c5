// SPDX-License-Identifier: Apache-2.0
// The second stage of Faster R-CNN (Ren et al. 2015; on a pyramid Lin et al. 2017, arXiv 1612.03144):
// RoIAlign, two linear layers, class and box outputs, with torchvision's names and rules. Class 0 is
// background. Proposals with IoU >= 0.5 are foreground; at most a quarter of the sampled ones are.
#pragma once

#include <string>
#include <vector>

#include "models/detection_model.h"
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
  double least_side = 1e-2;  ///< pixels; smaller detections are dropped
};

/// Proposals of a batch, `slots` for each image; an image with fewer has empty slots at the end.
struct Regions {
  Tensor boxes;  ///< [N * slots, 4] f32, pixels of the image
  Tensor place;  ///< [N * slots, 2] i32: image, level (-1: empty)
  int64_t slots = 0;
};

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
  Regions regions(const std::vector<std::vector<Box>>& proposals, int64_t slots, Device device) const;

  struct Losses {
    Variable classification, box;
  };
  /// Samples from proposals and true boxes by the keys. Cross entropy: mean over all sampled ones of all
  /// ranks; smooth L1 of the foreground ones, for their own class, over the same number.
  Losses loss(const std::vector<Variable>& levels, std::vector<std::vector<Box>> proposals,
              const std::vector<Truth>& truths, const std::vector<DrawKey>& draws);

  /// Detections of each image: softmax, background left out, decoded, clipped, NMS in each class.
  std::vector<Detections> detect(const std::vector<Variable>& levels,
                                 const std::vector<std::vector<Box>>& proposals, int64_t height,
                                 int64_t width, const PostprocessSettings& settings,
                                 const std::vector<std::string>& images);

 private:
  struct Targets;
  Targets targets(const std::vector<std::vector<Box>>& proposals, const std::vector<Truth>& truths,
                  const std::vector<DrawKey>& draws, std::vector<std::vector<Box>>* chosen) const;
  Detections detections(const Tensor& scores, const Tensor& deltas, const Tensor& boxes, int64_t height,
                        int64_t width, const PostprocessSettings& settings) const;
  int32_t level_of(const Box& box) const;

  RoiHeadsConfig config_;
  std::vector<int64_t> strides_;
  int64_t classes_;
  nn::Linear fc6_, fc7_, cls_score_, bbox_pred_;
};

}  // namespace cawe::models
