// SPDX-License-Identifier: Apache-2.0
// VGG-16 and VGG-19, with and without batch norm (Simonyan & Zisserman 2015, arXiv 1409.1556), convolutions only, with
// torchvision's names "features.<index>.<...>" at any width.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/batch_norm.h"
#include "nn/conv2d.h"

namespace cawe::models {

/// Which of them; width: channels of the first layers, 64 in the published networks.
struct VggConfig {
  int depth = 16;  ///< or 19
  bool batch_norm = true;
  int64_t width = 64;
};

/// The convolutions, norms, ReLUs and poolings.
class VggFeatures : public nn::Module {
 public:
  explicit VggFeatures(const VggConfig& config);
  /// x [N, 3, H, W], normalised. Returns the outputs of the ReLUs at the given indices of torchvision's `features`,
  /// ascending. Throws Code::usage where an index is not that of a ReLU.
  std::vector<Variable> forward(const Variable& x, const std::vector<int64_t>& indices);
  /// Throws Code::usage where an index is not that of a ReLU, with those that are.
  void check_relus(const std::vector<int64_t>& indices, const std::string& what) const;

 private:
  struct Layer {
    int64_t index = 0;                      ///< in torchvision's `features`, of the ReLU or of the pooling
    std::unique_ptr<nn::Conv2d> conv;       ///< null for a pooling
    std::unique_ptr<nn::BatchNorm2d> norm;  ///< null for a pooling, and without batch norm
  };
  std::vector<Layer> layers_;
};

}  // namespace cawe::models
