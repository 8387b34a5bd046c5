// SPDX-License-Identifier: Apache-2.0
#include "models/foreign_weights.h"

#include <algorithm>
#include <set>

#include "tensor/text.h"

namespace cawe::models {
namespace {

bool any_begins(const NamedTensors& weights, const std::string& start) {
  const auto found = weights.lower_bound(start);
  return found != weights.end() && begins_with(found->first, start);
}

/// Blocks of layer<n> of the ResNet whose names begin with `body`.
int blocks(const NamedTensors& weights, const std::string& body, int layer) {
  int count = 0;
  while (weights.count(body + "layer" + std::to_string(layer) + "." + std::to_string(count) +
                       ".conv1.weight") > 0)
    ++count;
  return count;
}

/// 18, 34, 50, 101, 152, or 0 where it is none of these.
int depth_of(const NamedTensors& weights, const std::string& body) {
  int total = 0;
  for (int layer = 1; layer <= 4; ++layer) total += blocks(weights, body, layer);
  const bool bottleneck = weights.count(body + "layer1.0.conv3.weight") > 0;
  const int depth = total * (bottleneck ? 3 : 2) + 2;
  for (const int known : {18, 34, 50, 101, 152})
    if (depth == known) return depth;
  return 0;
}

struct Family {
  const char* begin;
  const char* title;
};
const Family kFamilies[] = {
    {"features.denseblock1.", "a DenseNet"},
    {"features.0.0.", "a network of torchvision's MobileNet, EfficientNet or ConvNeXt kind"},
    {"features.0.weight", "a VGG or AlexNet"},
    {"Conv2d_1a_3x3.", "an Inception network"},
    {"class_token", "a vision transformer"},
    {"cls_token", "a vision transformer"},
    {"patch_embed.", "a transformer"}};
const Family kSecondVersions[] = {
    {"head.classification_head.conv.0.1.",
     "torchvision's retinanet_resnet50_fpn_v2 (expected retinanet_resnet50_fpn)"},
    {"rpn.head.conv.1.0.", "torchvision's fasterrcnn_resnet50_fpn_v2 (expected fasterrcnn_resnet50_fpn)"},
    {"roi_heads.box_head.0.0.",
     "torchvision's fasterrcnn_resnet50_fpn_v2 (expected fasterrcnn_resnet50_fpn)"}};

}  // namespace

std::string wrapper_prefix(const NamedTensors& weights) {
  const std::string stem = "conv1.weight", body = "backbone.body.";
  std::set<std::string> found;
  for (const auto& [name, t] : weights) {
    if (!ends_with(name, stem)) continue;
    std::string before = name.substr(0, name.size() - stem.size());
    if (weights.count(before + "bn1.weight") == 0 || weights.count(before + "layer1.0.conv1.weight") == 0)
      continue;
    if (ends_with(before, body)) before.resize(before.size() - body.size());
    found.insert(before);
  }
  return found.size() == 1 ? *found.begin() : "";
}

NamedTensors unwrapped(const NamedTensors& weights, const std::string& source) {
  const std::string prefix = wrapper_prefix(weights);
  if (prefix.empty()) return weights;
  NamedTensors all;
  for (const auto& [name, t] : weights) {
    const std::string inner = begins_with(name, prefix) ? name.substr(prefix.size()) : name;
    CAWE_CHECK(all.emplace(inner, t).second, Code::data, source, ": two tensors are called '", inner,
               "' without the wrapper's \"", prefix, "\"");
  }
  return all;
}

std::string other_family(const NamedTensors& weights, const NamedTensors& wanted) {
  for (const Family& family : kFamilies)
    if (any_begins(weights, family.begin)) return std::string(family.title) + " (expected a ResNet)";
  for (const Family& family : kSecondVersions)
    if (any_begins(weights, family.begin) && !any_begins(wanted, family.begin)) return family.title;
  for (const char* body : {"", "backbone.body."}) {
    const int given = depth_of(weights, body), expected = depth_of(wanted, body);
    if (given != expected && given != 0 && expected != 0)
      return "a ResNet of depth " + std::to_string(given) + " (expected " + std::to_string(expected) + ")";
  }
  return "";
}

std::vector<std::string> unfitting_modules(const LoadReport& report) {
  std::set<std::string> modules;
  for (const auto* names : {&report.missing, &report.unexpected, &report.mismatched})
    for (const std::string& line : *names) {
      const std::string name = line.substr(0, line.find(':'));
      modules.insert(name.substr(0, name.rfind('.')));
    }
  return {modules.begin(), modules.end()};
}

}  // namespace cawe::models
