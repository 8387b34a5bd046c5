// SPDX-License-Identifier: Apache-2.0
// The content loss (Eq. 4, spec 2.6): how far two images are apart as pixels, and as maps of a pretrained
// network phi.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/resnet.h"
#include "models/vgg.h"
#include "models/weights.h"

namespace cawe::models {

enum class Phi : uint8_t { none, resnet34, vgg16_bn };
Phi phi(const std::string& name);  ///< throws Code::usage with the nearest name
const char* name(Phi phi);

struct ContentConfig {
  Phi phi = Phi::resnet34;
  int depth = 34;      ///< resnet34: 18 where the demonstration's classifier is smaller
  int64_t width = 64;  ///< of phi's first layer
  /// resnet34: "layer1" to "layer4"; vgg16_bn: indices of torchvision's features. Ascending.
  std::vector<std::string> layers{"layer1", "layer2", "layer3"};
  std::vector<double> weights{1, 1, 1};  ///< lambda, one a layer
  bool per_channel = true;               ///< n_i = 1 / (C h w), else 1 / (h w) as the paper writes it
};
/// The usual layers and weights of a phi: layer1 to layer3 with 1 each; 22, 32, 42 with 20, 70, 10.
ContentConfig content_config(Phi phi);

/// Keeps phi, frozen and in evaluation mode. Not a module: it is no part of what is trained.
class ContentLoss {
 public:
  explicit ContentLoss(const ContentConfig& config);
  /// Takes phi's weights; classifier layers ("fc.", "classifier.") stay behind. Throws Code::data where
  /// something does not fit. Until then forward() throws Code::usage: distances in a random network's maps
  /// mean nothing.
  void load(const NamedTensors& weights, const std::string& source);
  void to(DType dtype);
  void to(Device device);

  /// mean |y - g| + sum_i lambda_i n_i |phi_i(y) - phi_i(g)|_1 over the batch of `global_items` images of all
  /// ranks: one number. generated, real: [N, 3, H, W], normalised. Gradients go to `generated` alone.
  Variable forward(const Variable& generated, const Tensor& real, int64_t global_items);
  /// phi's maps at the layers.
  std::vector<Variable> maps(const Variable& x);
  const ContentConfig& config() const { return config_; }
  /// phi where it is a ResNet, else null.
  ResNet* resnet() { return resnet_.get(); }

 private:
  nn::Module* module();
  ContentConfig config_;
  std::vector<int64_t> indices_;  ///< stages from 0, or indices of features
  std::unique_ptr<ResNet> resnet_;
  std::unique_ptr<VggFeatures> vgg_;
  bool loaded_ = false;
};

}  // namespace cawe::models
