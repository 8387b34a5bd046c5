// SPDX-License-Identifier: Apache-2.0
// SelfAttention over the positions of an image (Zhang et al. 2019, "Self-attention generative adversarial
// networks", arXiv 1805.08318), in the form that DeOldify trains.
#pragma once

#include "nn/spectral_conv2d.h"

namespace cawe::nn {

/// y = gamma o + x, o_j = sum over i of beta_ij h(x_i), beta = softmax over i of f(x_i)^T g(x_j): for every
/// position j a mean over all positions i. f ("query") and g ("key") are 1x1 convolutions to C / 8 channels,
/// h ("value") to C, all spectrally normalised and without bias; gamma [1] starts at 0, where the layer is
/// the identity. The scores are not scaled, and no convolution follows.
class SelfAttention : public Module {
 public:
  /// channels: 8 or more.
  explicit SelfAttention(int64_t channels);
  /// x [N, C, H, W] to the same shape.
  Variable forward(const Variable& x);

 protected:
  void reset_parameters(uint64_t seed, const std::string& path) override;

 private:
  SpectralConv2d query_, key_, value_;
  Variable gamma_;
};

}  // namespace cawe::nn
