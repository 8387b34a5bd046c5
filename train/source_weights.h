// SPDX-License-Identifier: Apache-2.0
// Weights to start from: another program's file, or a run of this program with the patients that trained it.
#pragma once

#include <string>

#include "tensor/io/pth.h"
#include "train/recipe.h"

namespace cawe::train {

/// Tensors, and where they come from.
struct SourceWeights {
  NamedTensors tensors;
  std::string manifest;  ///< of this program's checkpoints, and what convert made of one: hashes of patients
  std::string task;      ///< of this program's checkpoints; "" for other files
  std::string hash;      ///< SHA-256 over all values
};
/// A .safetensors or .pth file, a run folder or a checkpoint. What of another program's file is left out or taken away
/// is a warning (warn_once).
SourceWeights read_source_weights(const std::string& run_or_file);

/// The metadata of safetensors in which convert keeps who trained the weights.
constexpr const char* kManifestKey = "cawe-manifest";
/// The manifest that convert left in a file; "" in other programs' files.
std::string kept_manifest(const PthFile& file);
/// What a recipe's key names, a file or a run folder. Throws data, naming the key, where it is not there.
std::string weights_named(const Recipe& recipe, const std::string& key);

}  // namespace cawe::train
