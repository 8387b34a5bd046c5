// SPDX-License-Identifier: Apache-2.0
#include "models/colorizer/unet_blocks.h"

#include "autograd/ops/elementwise.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/shuffle.h"

namespace cawe::models {
namespace {

int64_t width_of(const UpBlockConfig& c) {
  const int64_t joined = c.in / 2 + c.skip;
  return (c.halved ? joined / 2 : joined) * 3 / 2;
}

}  // namespace

nn::BatchNormOptions entry_norm() {
  nn::BatchNormOptions options;
  options.bias = 1e-3;
  return options;
}

ConvReluNorm::ConvReluNorm(int64_t in, int64_t out)
    : conv_(nn::spectral_conv(in, out, 3, false)), norm_(out) {
  child("conv", conv_);
  child("norm", norm_);
}

ShuffleUp::ShuffleUp(int64_t in, int64_t out)
    : conv_(nn::spectral_conv(in, 4 * out, 1, false), true), norm_(4 * out) {
  child("conv", conv_);
  child("norm", norm_);
}

Variable ShuffleUp::forward(const Variable& x) {
  return blur(pixel_shuffle(norm_.forward(conv_.forward(x), {}, true)));
}

UpBlock::UpBlock(const UpBlockConfig& config)
    : shuffle_(config.in, config.in / 2),
      skip_norm_(config.skip, entry_norm()),
      out_(width_of(config)),
      conv1_(config.in / 2 + config.skip, out_),
      conv2_(out_, out_) {
  child("shuffle", shuffle_);
  child("skip_norm", skip_norm_);
  child("conv1", conv1_);
  child("conv2", conv2_);
  if (!config.attention) return;
  attention_ = std::make_unique<nn::SelfAttention>(out_);
  child("attention", *attention_);
}

Variable UpBlock::forward(const Variable& below, const Variable& skip) {
  const Variable joined = relu(concat({shuffle_.forward(below), skip_norm_.forward(skip)}, 1));
  const Variable y = conv2_.forward(conv1_.forward(joined));
  return attention_ ? attention_->forward(y) : y;
}

}  // namespace cawe::models
