// SPDX-License-Identifier: Apache-2.0
#include "models/vgg.h"

#include <algorithm>
#include <string>

#include "autograd/ops/pooling.h"

namespace cawe::models {
namespace {

/// Number of convolutions and channels (in units of the width) of the five parts between poolings.
constexpr struct {
  int convs;
  int64_t widths;
} kParts[] = {{2, 1}, {2, 2}, {3, 4}, {3, 8}, {3, 8}};

}  // namespace

VggFeatures::VggFeatures(int64_t width) {
  CAWE_CHECK(width > 0, Code::usage, "VggFeatures: width ", width, " (expected a positive number)");
  int64_t channels = 3, index = 0;
  for (const auto& part : kParts) {
    for (int i = 0; i < part.convs; ++i, index += 3) {
      nn::Conv2dOptions conv = nn::same_conv(channels, part.widths * width, 3);
      conv.bias = true;
      channels = conv.out;
      layers_.push_back(
          {index + 2, std::make_unique<nn::Conv2d>(conv), std::make_unique<nn::BatchNorm2d>(channels)});
      child("features." + std::to_string(index), *layers_.back().conv);
      child("features." + std::to_string(index + 1), *layers_.back().norm);
    }
    layers_.push_back({index++, nullptr, nullptr});
  }
}

std::vector<Variable> VggFeatures::forward(const Variable& x, const std::vector<int64_t>& indices) {
  for (const int64_t wanted : indices)
    CAWE_CHECK(std::any_of(layers_.begin(), layers_.end(),
                           [&](const Layer& l) { return l.conv && l.index == wanted; }),
               Code::usage, "VggFeatures: features.", wanted,
               " is no ReLU (22, 32 and 42 are the usual ones)");
  std::vector<Variable> maps;
  Variable y = x;
  for (const Layer& layer : layers_) {
    if (maps.size() == indices.size()) break;
    y = layer.conv ? layer.norm->forward(layer.conv->forward(y), {}, true) : max_pool2d(y, {2, 2, 0});
    if (layer.index == indices[maps.size()]) maps.push_back(y);
  }
  CAWE_CHECK(maps.size() == indices.size(), Code::usage,
             "VggFeatures: the indices are not in ascending order");
  return maps;
}

}  // namespace cawe::models
