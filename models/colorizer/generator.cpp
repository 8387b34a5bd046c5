// SPDX-License-Identifier: Apache-2.0
#include "models/colorizer/generator.h"

#include <string>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/shuffle.h"

namespace cawe::models {
namespace {

constexpr double kRange = 3;  ///< the output lies in (-3, 3)

const GeneratorConfig& checked(const GeneratorConfig& c) {
  CAWE_CHECK(c.depth == 18 || c.depth == 34, Code::usage, "Generator: an encoder of depth ", c.depth,
             " (expected 18 or 34)");
  CAWE_CHECK(c.width >= 8 && c.width % 4 == 0, Code::usage, "Generator: width ", c.width,
             " (expected a multiple of 4, 8 or more)");
  return c;
}

ResNetConfig encoder_config(const GeneratorConfig& c) {
  ResNetConfig r;
  r.depth = c.depth;
  r.width = c.width;
  return r;
}

}  // namespace

Generator::Generator(const GeneratorConfig& config)
    : config_(checked(config)),
      encoder_(encoder_config(config)),
      middle_norm_(8 * config.width, entry_norm()),
      middle0_(8 * config.width, 16 * config.width),
      middle1_(16 * config.width, 8 * config.width) {
  child("encoder", encoder_);
  child("middle_norm", middle_norm_);
  child("middle.0", middle0_);
  child("middle.1", middle1_);
  const int64_t w = config_.width;
  const std::array<int64_t, 4> skips{4 * w, 2 * w, w, w};
  int64_t channels = 8 * w;
  for (size_t i = 0; i < 4; ++i) {
    up_[i] = std::make_unique<UpBlock>(UpBlockConfig{channels, skips[i], i == 3, i == 1});
    child("up." + std::to_string(i), *up_[i]);
    channels = up_[i]->out_channels();
  }
  nn::Conv2dOptions shuffle = nn::spectral_conv(channels, 4 * channels, 1, true);
  last_shuffle_ = std::make_unique<nn::WeightNormConv2d>(shuffle, true);
  channels += 3;  // the input image is concatenated
  residual0_ = std::make_unique<nn::SpectralConv2d>(nn::spectral_conv(channels, channels, 3, true));
  residual1_ = std::make_unique<nn::SpectralConv2d>(nn::spectral_conv(channels, channels, 3, true));
  to_rgb_ = std::make_unique<nn::SpectralConv2d>(nn::spectral_conv(channels, 3, 1, true));
  child("last_shuffle", *last_shuffle_);
  child("residual.0", *residual0_);
  child("residual.1", *residual1_);
  child("to_rgb", *to_rgb_);
}

Variable Generator::forward(const Variable& x) {
  CAWE_CHECK(x.rank() == 4 && x.dim(1) == 3 && x.dim(2) % 32 == 0 && x.dim(3) % 32 == 0 && x.numel() > 0,
             Code::shape, "Generator: the input has shape ", x.shape(),
             " (expected [N, 3, H, W], H and W multiples of 32)");
  const Variable stem = encoder_.stem(x);
  const std::vector<Variable> maps = encoder_.stages_of(stem);
  Variable y = middle_norm_.forward(maps[3], {}, true);
  y = middle1_.forward(middle0_.forward(y));
  const std::array<const Variable*, 4> skips{&maps[2], &maps[1], &maps[0], &stem};
  for (size_t i = 0; i < 4; ++i) y = up_[i]->forward(y, *skips[i]);
  y = concat({pixel_shuffle(last_shuffle_->forward(y, true)), x}, 1);
  y = add(residual1_->forward(residual0_->forward(y, true), true), y);
  return affine(sigmoid(to_rgb_->forward(y)), 2 * kRange, -kRange);
}

void Generator::set_encoder_trainable(bool on) {
  for (auto& p : encoder_.parameters())
    if (p.variable->rank() > 1) p.variable->set_requires_grad(on);
}

int Generator::part_of(const std::string& parameter) {
  if (parameter.rfind("encoder.", 0) != 0) return 2;
  const std::string at = parameter.substr(8, 6);
  return at == "layer3" || at == "layer4" ? 1 : 0;
}

}  // namespace cawe::models
