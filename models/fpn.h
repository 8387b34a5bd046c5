// SPDX-License-Identifier: Apache-2.0
// Feature pyramid network (Lin et al. 2017, arXiv 1612.03144) with torchvision's names.
#pragma once

#include <memory>
#include <vector>

#include "nn/conv2d.h"

namespace cawe::models {

/// Where RetinaNet's P6 comes from: torchvision's v1 model takes P5, its v2 and detectron2 take C5.
enum class P6From : uint8_t { p5, c5 };

/// Inputs and levels of the pyramid.
struct FpnConfig {
  std::vector<int64_t> in;  ///< channels of the maps, finest first
  int64_t channels = 256;   ///< of every level
  int extra = 0;            ///< 1: P6 by a 3x3 convolution of stride 2; 2: also P7 from ReLU(P6)
  P6From p6_from = P6From::p5;
};

/// Lateral 1x1 and output 3x3 convolutions with bias, no norm. Top-down maps are resized by nearest neighbour
/// to the lateral's size and added to it. Weights start Kaiming uniform (a = 1), biases 0. Names:
/// inner_blocks.{i}.0, layer_blocks.{i}.0, extra_blocks.{p6, p7}.
class Fpn : public nn::Module {
 public:
  explicit Fpn(const FpnConfig& config);
  /// Maps, finest first, to as many pyramid levels and then the extra ones, finest first.
  std::vector<Variable> forward(const std::vector<Variable>& maps);

 private:
  FpnConfig config_;
  std::vector<std::unique_ptr<nn::Conv2d>> inner_, layer_, extra_;
};

}  // namespace cawe::models
