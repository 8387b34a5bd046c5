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

enum class Phi : uint8_t { none, resnet34, vgg16_bn, vgg19 };
Phi phi(const std::string& name);  ///< throws Code::usage with the nearest name
const char* name(Phi phi);

/// How two maps are compared: by the mean of absolute differences, as the paper's Eq. 4 has it, or of their squares, as
/// Ledig et al. 2017 (SRGAN, arXiv 1609.04802, Eq. 5). The term of the pixels is of absolute differences either way.
enum class PhiLoss : uint8_t { l1, mse };

/// The network phi, its layers and their weights.
struct ContentConfig {
  Phi phi = Phi::resnet34;
  int depth = 34;      ///< resnet34: another depth (18) where phi is a smaller classifier of one's own
  int64_t width = 64;  ///< of phi's first layer
  /// Layers compared. resnet34: "layer1" to "layer4"; vgg16_bn and vgg19: indices of torchvision's features, of ReLUs.
  /// Ascending.
  std::vector<std::string> layers{"layer1", "layer2", "layer3"};
  std::vector<double> weights{1, 1, 1};  ///< lambda_i, one for each layer
  /// n_i = 1 / (C h w), as DeOldify; else 1 / (h w), as the paper prints it
  bool per_channel = true;
  PhiLoss loss = PhiLoss::l1;
};
/// The usual layers and weights: resnet34's layer1 to layer3 with 1 each; vgg16_bn's 22, 32, 42 with 20, 70, 10
/// (DeOldify's); vgg19's 35 (phi_5,4 of SRGAN: the ReLU behind the last convolution) with 0.006 and squares, as there:
/// features divided by 12.75, "a rescaling factor of 0.006", of pictures in [-1, 1]. Whether the study's paper means SRGAN by
/// its reference 13 was not to be read.
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

  /// mean |y - g| + sum_i lambda_i n_i |phi_i(y) - phi_i(g)|_1, or with PhiLoss::mse the squares of these differences,
  /// over the batch of `global_items` images of all ranks, y real and g generated: one number. generated, real:
  /// [N, 3, H, W], normalised. Gradients go to `generated` alone.
  Variable forward(const Variable& generated, const Tensor& real, int64_t global_items);
  /// phi's feature maps of x at the chosen layers.
  std::vector<Variable> maps(const Variable& x);
  const ContentConfig& config() const { return config_; }
  /// phi where it is a ResNet, else null.
  ResNet* resnet() { return resnet_.get(); }

  /// The network phi; null for none.
  nn::Module* module();

 private:
  /// lambda_i n_i of map i, behind the pixels, for one of `items` images.
  double weight(const Variable& map, size_t i, int64_t items) const;
  Variable mean_squares(const std::vector<Variable>& ours, const std::vector<Tensor>& theirs) const;
  ContentConfig config_;
  std::vector<int64_t> indices_;  ///< stages from 0, or indices of features
  std::unique_ptr<ResNet> resnet_;
  std::unique_ptr<VggFeatures> vgg_;
  bool loaded_ = false;
};

}  // namespace cawe::models
