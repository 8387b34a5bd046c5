// SPDX-License-Identifier: Apache-2.0
// The colorizer's content loss (Eq. 4 of the study's paper): the distance of two images in pixels and in the
// feature maps of a frozen pretrained network phi.
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

/// The network phi, its layers and their weights.
struct ContentConfig {
  Phi phi = Phi::resnet34;
  int depth = 34;      ///< resnet34: another depth (18) where phi is a smaller classifier of one's own
  int64_t width = 64;  ///< of phi's first layer
  /// Layers compared. resnet34: "layer1" to "layer4"; vgg16_bn: indices of torchvision's features. Ascending.
  std::vector<std::string> layers{"layer1", "layer2", "layer3"};
  std::vector<double> weights{1, 1, 1};  ///< lambda_i, one for each layer
  /// n_i = 1 / (C h w), as DeOldify; else 1 / (h w), as the paper prints it
  bool per_channel = true;
};
/// The usual layers and weights: resnet34's layer1 to layer3 with 1 each; vgg16_bn's 22, 32, 42 with 20, 70,
/// 10 (DeOldify's).
ContentConfig content_config(Phi phi);

/// Holds phi, frozen and in evaluation mode. Not a Module, so that phi never counts as trained.
class ContentLoss {
 public:
  explicit ContentLoss(const ContentConfig& config);
  /// Loads phi's weights; classifier layers ("fc.", "classifier.") are ignored. Throws Code::data where
  /// something does not fit. Before it, forward() throws Code::usage: distances in the maps of a random
  /// network mean nothing.
  void load(const NamedTensors& weights, const std::string& source);
  void to(DType dtype);
  void to(Device device, DType computed = DType::f32);

  /// mean |y - g| + sum_i lambda_i n_i |phi_i(y) - phi_i(g)|_1 over the batch of `global_items` images of all
  /// ranks, y real and g generated: one number. generated, real: [N, 3, H, W], normalised. Gradients go to
  /// `generated` alone.
  Variable forward(const Variable& generated, const Tensor& real, int64_t global_items);
  /// phi's feature maps of x at the chosen layers.
  std::vector<Variable> maps(const Variable& x);
  const ContentConfig& config() const { return config_; }
  /// phi where it is a ResNet, else null.
  ResNet* resnet() { return resnet_.get(); }

  /// The network phi; null for none.
  nn::Module* module();

 private:
  ContentConfig config_;
  std::vector<int64_t> indices_;  ///< stages from 0, or indices of features
  std::unique_ptr<ResNet> resnet_;
  std::unique_ptr<VggFeatures> vgg_;
  bool loaded_ = false;
};

}  // namespace cawe::models
