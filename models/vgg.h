// SPDX-License-Identifier: Apache-2.0
// VGG-16 with batch norm (Simonyan & Zisserman 2015, arXiv 1409.1556), convolutions only, with torchvision's
// names "features.<index>.<...>" at any width.
#pragma once

#include <memory>
#include <vector>

#include "nn/batch_norm.h"
#include "nn/conv2d.h"

namespace cawe::models {

/// The convolutions, norms, ReLUs and poolings of VGG-16.
class VggFeatures : public nn::Module {
 public:
  /// width: channels of the first layers; 64 is the published network.
  explicit VggFeatures(int64_t width = 64);
  /// x [N, 3, H, W], normalised. Returns the outputs of the ReLUs at the given indices of torchvision's
  /// `features`, ascending; 22, 32 and 42 are those before the last three poolings. Throws Code::usage where
  /// an index is not that of a ReLU.
  std::vector<Variable> forward(const Variable& x, const std::vector<int64_t>& indices);

 private:
  struct Layer {
    int64_t index = 0;  ///< in torchvision's `features`, of the ReLU or of the pooling
    std::unique_ptr<nn::Conv2d> conv;
    std::unique_ptr<nn::BatchNorm2d> norm;  ///< conv and norm are null for a pooling
  };
  std::vector<Layer> layers_;
};

}  // namespace cawe::models
