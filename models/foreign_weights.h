// SPDX-License-Identifier: Apache-2.0
// What other programs do to a network's names when they save it, and whose weights a file's names are.
#pragma once

#include <string>
#include <vector>

#include "models/weights.h"

namespace cawe::models {

/// The beginning that a wrapper of the network put before a ResNet's names, or before a detector's: "model." of
/// Lightning, "_orig_mod." of torch.compile, "encoder.". It stands before conv1.weight, bn1.weight and
/// layer1.0.conv1.weight, or these behind "backbone.body.". "" where there is none, or where two networks lie in
/// one file (an encoder and its moving average).
std::string wrapper_prefix(const NamedTensors& weights);
/// The weights without it; names that do not begin with it stay. Throws data ("SOURCE: …") where two names become
/// one.
NamedTensors unwrapped(const NamedTensors& weights, const std::string& source);

/// Whose weights these are, where that is not what the module is: "a DenseNet (expected a ResNet)", "a ResNet of
/// depth 34 (expected 18)", "torchvision's retinanet_resnet50_fpn_v2 (expected …)". `wanted`: the module's names.
/// "" where nothing of the kind is to be seen.
std::string other_family(const NamedTensors& weights, const NamedTensors& wanted);

/// The modules whose tensors did not fit, by their names without ".weight" and ".bias", once each.
std::vector<std::string> unfitting_modules(const LoadReport& report);

}  // namespace cawe::models
