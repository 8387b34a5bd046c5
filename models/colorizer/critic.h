// SPDX-License-Identifier: Apache-2.0
// The colorizer's critic (discriminator), that of DeOldify: a spectrally normalised convolutional network
// that judges patches of the image.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "nn/self_attention.h"
#include "nn/spectral_conv2d.h"

namespace cawe::models {

/// Size of the critic.
struct CriticConfig {
  int64_t width = 256;    ///< of the first layer; 256 is the full network of 94,555,649 parameters
  double dropout = 0.15;  ///< fraction of channels dropped between layers; half of it after the first one
};

/// Leaky ReLU of slope 0.2 after every convolution but the last, no norm layers, self-attention after the
/// second down-sampling. Parameters: "first", "block.{0-2}.{conv,down}", "block.0.attention", "last.{0,1}".
class Critic : public nn::Module {
 public:
  explicit Critic(const CriticConfig& config);
  /// x [N, 3, s, s], normalised colour images, s a multiple of 16 from 64 on, to logits [N, (s/16 - 3)^2];
  /// high where a patch looks real. `masks` as dropout_masks() makes them, or none.
  Variable forward(const Variable& x, const std::vector<Tensor>& masks = {});
  /// Channel dropout of `items` images, of which the first is number `first` of the batch of all ranks: four
  /// tensors [items, C, 1, 1] of 0 or 1 / (1 - p). A function of the arguments alone, so that ranks and
  /// resumed runs drop the same channels of an image. `purpose` tells the forward passes of one step apart.
  std::vector<Tensor> dropout_masks(uint64_t seed, const std::string& purpose, int64_t step, int64_t first,
                                    int64_t items) const;
  const CriticConfig& config() const { return config_; }

 private:
  struct Block {
    std::unique_ptr<nn::SpectralConv2d> conv, down;
  };
  CriticConfig config_;
  std::unique_ptr<nn::SpectralConv2d> first_, last0_, last1_;
  std::array<Block, 3> blocks_;
  std::unique_ptr<nn::SelfAttention> attention_;
};

}  // namespace cawe::models
