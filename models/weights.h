// SPDX-License-Identifier: Apache-2.0
// Weights by name: from a map of tensors (a safetensors or .pth file) into a module, with a report of what
// fitted and what did not (spec 9.3).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nn/module.h"
#include "tensor/io/safetensors.h"

namespace cawe::models {

using cawe::NamedTensors;

struct LoadOptions {
  /// Put before every name of the file: "backbone.body." takes a classifier's body into a detector.
  std::string prefix;
  /// Names in the module that begin with one of these may be missing, mismatched or unexpected
  /// (import.skip); they keep their values.
  std::vector<std::string> skip;
  /// Epsilon of frozen batch norms; < 0 leaves it. is_torchvision_coco() tells when it must be 0.
  double frozen_bn_eps = -1;
  bool strict = true;  ///< false: differences are reported, not errors
};

struct LoadReport {
  std::vector<std::string> loaded;
  std::vector<std::string> missing;     ///< in the module, not in the file
  std::vector<std::string> unexpected;  ///< in the file, not in the module
  std::vector<std::string> mismatched;  ///< "name: [file's shape], expected [module's]"
  std::vector<std::string> skipped;     ///< let go by `skip`
  bool complete() const { return missing.empty() && unexpected.empty() && mismatched.empty(); }
  /// One line: how many of each, with the first few names of what does not fit.
  std::string summary() const;
};

/// Copies what fits, converting the dtype; values that are not finite are an error (Code::data, `source` and
/// the name). Nothing is changed where the report is not complete and `strict` holds: then Code::data with
/// the summary. num_batches_tracked may be missing (older files), and is ignored where a frozen norm has
/// none.
LoadReport load_weights(nn::Module& module, const NamedTensors& weights, const LoadOptions& options,
                        const std::string& source);

/// What load_weights would read back: parameters and buffers by name, sharing storage.
NamedTensors state_of(nn::Module& module);

/// torchvision's names of today for those of older files: "head.classification_head.conv.2.weight" becomes
/// "...conv.1.0.weight", "fpn.inner_blocks.0.weight" "...0.0.weight", "rpn.head.conv.weight" "...0.0.weight";
/// a leading "module." goes.
NamedTensors with_current_names(const NamedTensors& weights);

/// True for torchvision's own COCO detectors: frozen norms in the body (no num_batches_tracked) and 91
/// classes. torchvision runs those with a batch norm epsilon of 0.
bool is_torchvision_coco(const NamedTensors& weights);

}  // namespace cawe::models
