// SPDX-License-Identifier: Apache-2.0
// ResNet (He et al. 2016, "Deep residual learning for image recognition", arXiv 1512.03385) with
// torchvision's names and topology (v1.5: a bottleneck has its stride in the 3x3 convolution), at any width.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "nn/batch_norm.h"
#include "nn/conv2d.h"

namespace cawe::models {

/// Depth, width and stride of a ResNet.
struct ResNetConfig {
  int depth = 50;          ///< 18, 34 or 50
  int64_t width = 64;      ///< channels of the stem; 16 is a quarter of the full network
  int output_stride = 32;  ///< 32, 16 or 8: below 32 the last stages do not reduce their input
  /// With output_stride < 32: dilate their kernels, so that loaded weights still fit.
  bool dilate = true;
  nn::BatchNormOptions norm;
};

/// Channels and strides of the maps that a ResNet returns.
struct StageInfo {
  std::array<int64_t, 4> channels{};
  std::array<int64_t, 4> strides{};
};

/// Two or three convolutions and the shortcut around them.
class ResidualBlock : public nn::Module {
 public:
  /// `bottleneck`: 1x1 to `channels`, 3x3, 1x1 to 4 `channels`; else two 3x3.
  ResidualBlock(bool bottleneck, int64_t in, int64_t channels, int64_t stride, int64_t dilation,
                const nn::BatchNormOptions& norm);
  Variable forward(const Variable& x);
  int64_t out_channels() const { return convs_.back()->options().out; }

 private:
  void add(const nn::Conv2dOptions& conv, const nn::BatchNormOptions& norm);
  std::vector<std::unique_ptr<nn::Conv2d>> convs_;
  std::vector<std::unique_ptr<nn::BatchNorm2d>> norms_;
  std::unique_ptr<nn::Conv2d> downsample_;
  std::unique_ptr<nn::BatchNorm2d> downsample_norm_;
};

/// The body of a ResNet, without its classifier layer.
class ResNet : public nn::Module {
 public:
  explicit ResNet(const ResNetConfig& config);
  /// x [N, 3, H, W], normalised, to {C2, C3, C4, C5} [N, channels, H / stride, W / stride] (rounded up).
  std::vector<Variable> forward(const Variable& x);
  /// The stem alone: x to [N, width, H / 2, W / 2], before max pooling.
  Variable stem(const Variable& x);
  /// Max pooling and the first `count` stages, from the stem's output.
  std::vector<Variable> stages_of(const Variable& stem, size_t count = 4);

  const ResNetConfig& config() const { return config_; }
  const StageInfo& stages() const { return stages_; }
  /// Leaves only the last `stages` of {stem, layer1, ..., layer4} trainable (5: everything), and puts the
  /// live norms of the others into evaluation mode for good.
  void set_trainable_stages(int stages);

 private:
  void build_stage(int stage, int64_t blocks, int64_t stride);
  ResNetConfig config_;
  StageInfo stages_;
  nn::Conv2d conv1_;
  nn::BatchNorm2d bn1_;
  std::array<std::vector<std::unique_ptr<ResidualBlock>>, 4> layers_;
  int64_t channels_ = 0, dilation_ = 1;  ///< of the block being built
};

}  // namespace cawe::models
