// SPDX-License-Identifier: Apache-2.0
// The colorizer's generator: a U-Net on a ResNet encoder with self-attention; at full size DeOldify's
// artistic model, layer by layer.
#pragma once

#include <array>
#include <memory>

#include "models/colorizer/unet_blocks.h"
#include "models/resnet.h"
#include "nn/weight_norm_conv2d.h"

namespace cawe::models {

/// Size of the generator.
struct GeneratorConfig {
  int depth = 34;      ///< of the encoder: 18 or 34
  int64_t width = 64;  ///< of the encoder's stem; 64 is the full network of 63,646,881 parameters
};

/// Parameters: "encoder.<torchvision's names>", "middle_norm", "middle.{0,1}.{conv,norm}",
/// "up.{0-3}.{shuffle.{conv,norm},skip_norm,conv1.{conv,norm},conv2.{conv,norm}}",
/// "up.1.attention.{query,key,value,gamma}", "last_shuffle", "residual.{0,1}", "to_rgb".
class Generator : public nn::Module {
 public:
  explicit Generator(const GeneratorConfig& config);
  /// x [N, 3, H, W], the gray image as three channels normalised by ImageNet's mean and standard deviation; H
  /// and W multiples of 32. Returns the colour image in the same units, in (-3, 3).
  Variable forward(const Variable& x);

  const GeneratorConfig& config() const { return config_; }
  ResNet& encoder() { return encoder_; }
  /// Where its parameters are.
  Device device() { return parameters().front().variable->device(); }
  /// Whether the encoder's convolutions are trained. Its norms stay trainable either way, as in DeOldify.
  void set_encoder_trainable(bool on);
  /// Which of the network's three parts a parameter is in, for learning rates that rise towards the output: 0
  /// stem to layer2, 1 layer3 and layer4, 2 the decoder.
  static int part_of(const std::string& parameter);

 private:
  GeneratorConfig config_;
  ResNet encoder_;
  nn::BatchNorm2d middle_norm_;
  ConvReluNorm middle0_, middle1_;
  std::array<std::unique_ptr<UpBlock>, 4> up_;
  std::unique_ptr<nn::WeightNormConv2d> last_shuffle_;
  std::unique_ptr<nn::SpectralConv2d> residual0_, residual1_, to_rgb_;
};

}  // namespace cawe::models
