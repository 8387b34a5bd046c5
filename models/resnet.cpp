// SPDX-License-Identifier: Apache-2.0
#include "models/resnet.h"

#include <string>

#include "autograd/ops/pooling.h"

namespace cawe::models {
namespace {

constexpr Pool2dParams kStemPool{3, 2, 1};

std::array<int64_t, 4> blocks_of(int depth) {
  if (depth == 18) return {2, 2, 2, 2};
  if (depth == 34 || depth == 50) return {3, 4, 6, 3};
  fail(Code::usage, "ResNet: depth ", depth, " (expected 18, 34 or 50)");
}

nn::Conv2dOptions stem_conv(int64_t width) {
  nn::Conv2dOptions o;
  o.in = 3;
  o.out = width;
  o.kernel = 7;
  o.params.stride = 2;
  o.params.padding = 3;
  return o;
}

/// The configuration, checked before any member is built from it.
const ResNetConfig& checked(const ResNetConfig& c) {
  CAWE_CHECK(c.width > 0, Code::usage, "ResNet: width ", c.width, " (expected a positive number)");
  CAWE_CHECK(c.output_stride == 32 || c.output_stride == 16 || c.output_stride == 8, Code::usage,
             "ResNet: output_stride ", c.output_stride, " (expected 32, 16 or 8)");
  return c;
}

}  // namespace

ResidualBlock::ResidualBlock(bool bottleneck, int64_t in, int64_t channels, int64_t stride, int64_t dilation,
                             const nn::BatchNormOptions& norm) {
  const int64_t out = bottleneck ? 4 * channels : channels;
  if (bottleneck) {
    add(nn::same_conv(in, channels, 1), norm);
    add(nn::same_conv(channels, channels, 3, stride, dilation), norm);
    add(nn::same_conv(channels, out, 1), norm);
  } else {
    add(nn::same_conv(in, channels, 3, stride, dilation), norm);
    add(nn::same_conv(channels, channels, 3, 1, dilation), norm);
  }
  if (stride == 1 && in == out) return;
  downsample_ = std::make_unique<nn::Conv2d>(nn::same_conv(in, out, 1, stride));
  downsample_norm_ = std::make_unique<nn::BatchNorm2d>(out, norm);
  child("downsample.0", *downsample_);
  child("downsample.1", *downsample_norm_);
}

void ResidualBlock::add(const nn::Conv2dOptions& conv, const nn::BatchNormOptions& norm) {
  convs_.push_back(std::make_unique<nn::Conv2d>(conv));
  norms_.push_back(std::make_unique<nn::BatchNorm2d>(conv.out, norm));
  const std::string number = std::to_string(convs_.size());
  child("conv" + number, *convs_.back());
  child("bn" + number, *norms_.back());
}

Variable ResidualBlock::forward(const Variable& x) {
  const Variable around = downsample_ ? downsample_norm_->forward(downsample_->forward(x)) : x;
  Variable y = x;
  for (size_t i = 0; i + 1 < convs_.size(); ++i) y = norms_[i]->forward(convs_[i]->forward(y), {}, true);
  return norms_.back()->forward(convs_.back()->forward(y), around, true);
}

ResNet::ResNet(const ResNetConfig& config)
    : config_(checked(config)), conv1_(stem_conv(config.width)), bn1_(config.width, config.norm) {
  const auto blocks = blocks_of(config_.depth);
  child("conv1", conv1_);
  child("bn1", bn1_);
  channels_ = config_.width;
  int64_t stride = 4;
  for (int stage = 0; stage < 4; ++stage) {
    const int64_t step = stage == 0 || stride * 2 > config_.output_stride ? 1 : 2;
    build_stage(stage, blocks[size_t(stage)], step);
    stride *= step;
    stages_.channels[size_t(stage)] = channels_;
    stages_.strides[size_t(stage)] = stride;
  }
}

void ResNet::build_stage(int stage, int64_t blocks, int64_t stride) {
  // A stage that gives up its stride for dilation still gets the finer grid of the stage before in its first
  // block, which therefore keeps the old dilation (torchvision's rule).
  const bool widened = stage > 0 && stride == 1 && config_.dilate;
  const int64_t first_dilation = dilation_;
  if (widened) dilation_ *= 2;
  auto& layer = layers_[size_t(stage)];
  for (int64_t i = 0; i < blocks; ++i) {
    layer.push_back(std::make_unique<ResidualBlock>(config_.depth >= 50, channels_, config_.width << stage,
                                                    i == 0 ? stride : 1, i == 0 ? first_dilation : dilation_,
                                                    config_.norm));
    channels_ = layer.back()->out_channels();
    child("layer" + std::to_string(stage + 1) + "." + std::to_string(i), *layer.back());
  }
}

std::vector<Variable> ResNet::forward(const Variable& x) { return stages_of(stem(x)); }

Variable ResNet::stem(const Variable& x) {
  CAWE_CHECK(x.rank() == 4 && x.dim(1) == 3, Code::shape, "ResNet: the input has shape ", x.shape(),
             " (expected [N, 3, H, W])");
  return bn1_.forward(conv1_.forward(x), {}, true);
}

std::vector<Variable> ResNet::stages_of(const Variable& stem, size_t count) {
  Variable y = max_pool2d(stem, kStemPool);
  std::vector<Variable> maps;
  for (size_t stage = 0; stage < count; ++stage) {
    for (auto& block : layers_[stage]) y = block->forward(y);
    maps.push_back(y);
  }
  return maps;
}

void ResNet::set_trainable_stages(int stages) {
  CAWE_CHECK(stages >= 0 && stages <= 5, Code::usage, "ResNet: ", stages,
             " trainable stages (expected 0 to 5)");
  const auto freeze = [](nn::Module& module) {
    module.set_requires_grad(false);
    module.freeze_mode();
  };
  if (stages < 5) {
    freeze(conv1_);
    freeze(bn1_);
  }
  for (int stage = 0; stage < 4 - stages; ++stage)
    for (auto& block : layers_[size_t(stage)]) freeze(*block);
}

}  // namespace cawe::models
