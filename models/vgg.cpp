// SPDX-License-Identifier: Apache-2.0
#include "models/vgg.h"

#include <algorithm>
#include <string>

#include "autograd/ops/pooling.h"
#include "tensor/text.h"

namespace cawe::models {
namespace {

/// Channels of the five parts between poolings, in units of the width; VGG-16 and VGG-19 differ in the convolutions of
/// the last three.
constexpr int64_t kWidths[] = {1, 2, 4, 8, 8};
int convs_of(int depth, size_t part) { return part < 2 ? 2 : depth == 19 ? 4 : 3; }

}  // namespace

VggFeatures::VggFeatures(const VggConfig& config) {
  CAWE_CHECK(config.depth == 16 || config.depth == 19, Code::usage, "VggFeatures: depth ", config.depth,
             " (expected 16 or 19)");
  CAWE_CHECK(config.width > 0, Code::usage, "VggFeatures: width ", config.width,
             " (expected a positive number)");
  const int64_t step = config.batch_norm ? 3 : 2;
  int64_t channels = 3, index = 0;
  for (size_t part = 0; part < std::size(kWidths); ++part) {
    for (int i = 0; i < convs_of(config.depth, part); ++i, index += step) {
      nn::Conv2dOptions conv = nn::same_conv(channels, kWidths[part] * config.width, 3);
      conv.bias = true;
      channels = conv.out;
      layers_.push_back({index + step - 1, std::make_unique<nn::Conv2d>(conv), nullptr});
      child("features." + std::to_string(index), *layers_.back().conv);
      if (!config.batch_norm) continue;
      layers_.back().norm = std::make_unique<nn::BatchNorm2d>(channels);
      child("features." + std::to_string(index + 1), *layers_.back().norm);
    }
    layers_.push_back({index++, nullptr, nullptr});
  }
}

void VggFeatures::check_relus(const std::vector<int64_t>& indices, const std::string& what) const {
  std::vector<std::string> relus;
  for (const Layer& l : layers_)
    if (l.conv) relus.push_back(std::to_string(l.index));
  for (const int64_t wanted : indices)
    CAWE_CHECK(std::count(relus.begin(), relus.end(), std::to_string(wanted)) > 0, Code::usage, what,
               ": features.", wanted, " is no ReLU (expected some of ", listed(relus, ", ", relus.size()),
               ")");
}

std::vector<Variable> VggFeatures::forward(const Variable& x, const std::vector<int64_t>& indices) {
  check_relus(indices, "VggFeatures");
  std::vector<Variable> maps;
  Variable y = x;
  for (const Layer& layer : layers_) {
    if (maps.size() == indices.size()) break;
    if (!layer.conv)
      y = max_pool2d(y, {2, 2, 0});
    else if (layer.norm)
      y = layer.norm->forward(layer.conv->forward(y), {}, true);
    else
      y = layer.conv->forward(y, true);
    if (layer.index == indices[maps.size()]) maps.push_back(y);
  }
  CAWE_CHECK(maps.size() == indices.size(), Code::usage,
             "VggFeatures: the indices are not in ascending order");
  return maps;
}

}  // namespace cawe::models
