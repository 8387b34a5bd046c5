// SPDX-License-Identifier: Apache-2.0
// Parts of the colorizer's generator: convolution-ReLU-norm, up-sampling by pixel shuffle, and a step of the
// U-Net's right side.
#pragma once

#include <memory>

#include "nn/batch_norm.h"
#include "nn/self_attention.h"
#include "nn/spectral_conv2d.h"

namespace cawe::models {

/// Batch norms at the entrance of the generator's parts start with a small bias, as fastai's do.
nn::BatchNormOptions entry_norm();

/// Spectrally normalised 3x3 convolution without bias, then ReLU, then batch norm: in this order.
class ConvReluNorm : public nn::Module {
 public:
  ConvReluNorm(int64_t in, int64_t out);
  Variable forward(const Variable& x) { return norm_.forward(conv_.forward(x, true)); }

 private:
  nn::SpectralConv2d conv_;
  nn::BatchNorm2d norm_;
};

/// Twice the size: spectrally normalised 1x1 convolution to 4 out channels, batch norm, ReLU, pixel shuffle,
/// blur.
class ShuffleUp : public nn::Module {
 public:
  ShuffleUp(int64_t in, int64_t out);
  /// x [N, in, H, W] -> [N, out, 2H, 2W]
  Variable forward(const Variable& x);

 private:
  nn::SpectralConv2d conv_;
  nn::BatchNorm2d norm_;
};

struct UpBlockConfig {
  int64_t in = 1;          ///< channels from below
  int64_t skip = 1;        ///< channels of the encoder's map
  bool halved = false;     ///< the last block: half the width
  bool attention = false;  ///< self-attention behind the second convolution
};

/// One step of the U-Net's decoder: the map from below is doubled in size at half its channels, the encoder's
/// map of that size goes through a norm, and both, concatenated to c channels, go through a ReLU and two
/// ConvReluNorms of int(1.5 c) channels (int(1.5 (c / 2)) where halved).
class UpBlock : public nn::Module {
 public:
  explicit UpBlock(const UpBlockConfig& config);
  /// below [N, in, H, W], skip [N, skip, 2H, 2W] -> [N, out_channels(), 2H, 2W]
  Variable forward(const Variable& below, const Variable& skip);
  int64_t out_channels() const { return out_; }

 private:
  ShuffleUp shuffle_;
  nn::BatchNorm2d skip_norm_;
  int64_t out_;
  ConvReluNorm conv1_, conv2_;
  std::unique_ptr<nn::SelfAttention> attention_;
};

}  // namespace cawe::models
