// SPDX-License-Identifier: Apache-2.0
#include "models/colorizer/deoldify_names.h"

#include <utility>

namespace cawe::models {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Prefixes of names, DeOldify's and ours.
Pairs prefixes() {
  Pairs all{{"layers.0.0.", "encoder.conv1."},
            {"layers.0.1.", "encoder.bn1."},
            {"layers.1.", "middle_norm."},
            {"layers.3.0.0.", "middle.0.conv."},
            {"layers.3.0.2.", "middle.0.norm."},
            {"layers.3.1.0.", "middle.1.conv."},
            {"layers.3.1.2.", "middle.1.norm."},
            {"layers.8.conv.0.", "last_shuffle."},
            {"layers.10.layers.0.0.", "residual.0."},
            {"layers.10.layers.1.0.", "residual.1."},
            {"layers.11.0.", "to_rgb."}};
  for (int stage = 1; stage <= 4; ++stage)
    all.emplace_back("layers.0." + std::to_string(stage + 3) + ".",
                     "encoder.layer" + std::to_string(stage) + ".");
  for (int i = 0; i < 4; ++i) {
    const std::string theirs = "layers." + std::to_string(i + 4) + ".",
                      ours = "up." + std::to_string(i) + ".";
    for (const auto& [a, b] : Pairs{{"shuf.conv.0.", "shuffle.conv."},
                                    {"shuf.conv.1.", "shuffle.norm."},
                                    {"bn.", "skip_norm."},
                                    {"conv1.0.", "conv1.conv."},
                                    {"conv1.2.", "conv1.norm."},
                                    {"conv2.0.", "conv2.conv."},
                                    {"conv2.2.", "conv2.norm."},
                                    {"conv2.3.", "attention."}})
      all.emplace_back(theirs + a, ours + b);
  }
  return all;
}

}  // namespace

bool is_deoldify_generator(const NamedTensors& weights) {
  return weights.count("layers.0.0.weight") > 0 && weights.count("layers.11.0.weight_orig") > 0;
}

NamedTensors from_deoldify_generator(const NamedTensors& weights) {
  static const Pairs table = prefixes();
  NamedTensors out;
  for (const auto& [name, tensor] : weights) {
    std::string ours = name;
    for (const auto& [theirs, prefix] : table)
      if (name.rfind(theirs, 0) == 0) ours = prefix + name.substr(theirs.size());
    const bool flat = tensor.rank() == 3 && tensor.dim(2) == 1;
    out[ours] = flat ? tensor.reshape({tensor.dim(0), tensor.dim(1), 1, 1}) : tensor;
  }
  return out;
}

}  // namespace cawe::models
