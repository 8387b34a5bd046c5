// SPDX-License-Identifier: Apache-2.0
// Weights by name: from a map of tensors (a safetensors or .pth file) into a module, with a report of what
// fitted and what did not. Names are torchvision's.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "nn/module.h"
#include "tensor/io/safetensors.h"

namespace cawe::models {

using cawe::NamedTensors;

/// What was loaded, and what did not fit.
struct LoadReport {
  std::vector<std::string> loaded;
  std::vector<std::string> missing;     ///< in the module, not in the file
  std::vector<std::string> unexpected;  ///< in the file, not in the module
  std::vector<std::string> mismatched;  ///< "name: [file's shape], expected [module's]"
  std::vector<std::string> skipped;     ///< did not fit, allowed by `skip`
  bool complete() const { return missing.empty() && unexpected.empty() && mismatched.empty(); }
  /// One line: how many of each, with the first few names of what does not fit.
  std::string summary() const;
};

/// What may differ between file and module.
struct LoadOptions {
  /// Put before every name of the file: "backbone.body." loads a classifier's body into a detector.
  std::string prefix;
  /// Tensors whose names begin with one of these may be missing, mismatched or unexpected; the module keeps
  /// its own values.
  std::vector<std::string> skip;
  /// Epsilon of frozen batch norms; < 0 leaves it. is_torchvision_coco() tells when it must be 0.
  double frozen_bn_eps = -1;
  bool strict = true;  ///< false: differences are reported, not errors
  /// What to do about the differences: ends the error.
  std::function<std::string(const LoadReport&)> hint;
};

/// Copies what fits, converting the dtype; a value that is not finite is an error (Code::data, with `source`
/// and the tensor's name). If something does not fit and `strict` is set, nothing is changed and Code::data
/// with the summary is thrown. num_batches_tracked may be missing (older files), and is ignored where a
/// frozen norm has none.
LoadReport load_weights(nn::Module& module, const NamedTensors& weights, const LoadOptions& options,
                        const std::string& source);

/// The module's parameters and buffers by name, sharing storage: what load_weights() would read back.
NamedTensors state_of(nn::Module& module);

/// torchvision's present names for those of older files: "head.classification_head.conv.2.weight" becomes
/// "...conv.1.0.weight", "fpn.inner_blocks.0.weight" "...0.0.weight", "rpn.head.conv.weight" "...0.0.weight";
/// a leading "module." is removed,
/// and with it the counter n_averaged of torch's AveragedModel. Throws data ("SOURCE: …") where two names become one.
NamedTensors with_current_names(const NamedTensors& weights, const std::string& source);

/// True for torchvision's own COCO detectors: frozen norms in the body (no num_batches_tracked) and 91
/// classes. torchvision runs those with a batch norm epsilon of 0.
bool is_torchvision_coco(const NamedTensors& weights);

}  // namespace cawe::models
