// SPDX-License-Identifier: Apache-2.0
#include "models/colorizer/critic.h"

#include <string>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/shape.h"
#include "nn/dropout2d.h"

namespace cawe::models {
namespace {

constexpr double kSlope = 0.2;

std::unique_ptr<nn::SpectralConv2d> conv(int64_t in, int64_t out, int64_t kernel, int64_t stride,
                                         int64_t padding, bool bias = true) {
  nn::Conv2dOptions o = nn::spectral_conv(in, out, kernel, bias);
  o.params.stride = stride;
  o.params.padding = padding;
  return std::make_unique<nn::SpectralConv2d>(o);
}

Variable activated(nn::SpectralConv2d& layer, const Variable& x) {
  return leaky_relu(layer.forward(x), kSlope);
}

}  // namespace

Critic::Critic(const CriticConfig& config) : config_(config) {
  CAWE_CHECK(config_.width >= 4 && config_.dropout >= 0 && config_.dropout < 1, Code::usage, "Critic: width ",
             config_.width, ", dropout ", config_.dropout, " (expected 4 or more, and 0 to below 1)");
  int64_t channels = config_.width;
  first_ = conv(3, channels, 4, 2, 1);
  child("first", *first_);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const std::string name = "block." + std::to_string(i);
    blocks_[i] = {conv(channels, channels, 3, 1, 1), conv(channels, 2 * channels, 4, 2, 1)};
    channels *= 2;
    child(name + ".conv", *blocks_[i].conv);
    child(name + ".down", *blocks_[i].down);
    if (i > 0) continue;
    attention_ = std::make_unique<nn::SelfAttention>(channels);
    child(name + ".attention", *attention_);
  }
  last0_ = conv(channels, channels, 3, 1, 1);
  last1_ = conv(channels, 1, 4, 1, 0, false);
  child("last.0", *last0_);
  child("last.1", *last1_);
}

Variable Critic::forward(const Variable& x, const std::vector<Tensor>& masks) {
  CAWE_CHECK(x.rank() == 4 && x.dim(1) == 3 && x.dim(2) >= 64 && x.dim(3) >= 64 && x.dim(2) % 16 == 0 &&
                 x.dim(3) % 16 == 0,
             Code::shape, "Critic: the input has shape ", x.shape(),
             " (expected [N, 3, H, W], sides multiples of 16, 64 or more)");
  CAWE_CHECK(masks.empty() || masks.size() == blocks_.size() + 1, Code::usage, "Critic: ", masks.size(),
             " dropout masks (expected none or ", blocks_.size() + 1, ")");
  const auto dropped = [&](const Variable& v, size_t i) {
    return masks.empty() ? v : mul(v, Variable(masks[i].to(v.dtype())));
  };
  Variable y = dropped(activated(*first_, x), 0);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    y = dropped(activated(*blocks_[i].conv, y), i + 1);
    y = activated(*blocks_[i].down, y);
    if (i == 0) y = attention_->forward(y);
  }
  y = last1_->forward(activated(*last0_, y));
  return reshape(y, {y.dim(0), y.dim(2) * y.dim(3)});
}

std::vector<Tensor> Critic::dropout_masks(uint64_t seed, const std::string& purpose, int64_t step,
                                          int64_t first, int64_t items) const {
  std::vector<Tensor> masks;
  for (size_t layer = 0; layer <= blocks_.size(); ++layer) {
    nn::Dropout2d d;
    d.share = layer == 0 ? config_.dropout / 2 : config_.dropout;
    d.channels = config_.width << (layer == 0 ? 0 : layer - 1);
    d.purpose = "dropout " + purpose;
    masks.push_back(d.mask(seed, step, int64_t(layer), first, items));
  }
  return masks;
}

}  // namespace cawe::models
