// SPDX-License-Identifier: Apache-2.0
// PyTorch's .pth files, both forms (zip and legacy), read by a pickle machine that knows tensors,
// dictionaries, lists, numbers and strings, skips over other objects, and executes nothing.
#pragma once

#include <string>
#include <vector>

#include "tensor/io/safetensors.h"

namespace cawe {

/// A file's weights, and what stands beside them.
struct PthFile {
  NamedTensors tensors;
  std::string part;  ///< the entry that the tensors were taken from, "" for the file's own dictionary
  std::vector<std::string> parts;    ///< all entries that could have been
  std::vector<std::string> skipped;  ///< what was left out: "args (argparse.Namespace)", "epoch (number)"
  std::map<std::string, std::string> widened = {};   ///< what was int8 or int16
  std::map<std::string, std::string> metadata = {};  ///< of safetensors; a .pth has none

  /// One line of part, parts and skipped, "" where the file holds nothing but its tensors.
  std::string note() const;
};

/// The tensors of a state dictionary. One under "state_dict", "model_state_dict", "model" or "net" is taken, the
/// first of these that is there; then the file's own dictionary; then an entry that alone holds tensors by name.
/// `part` names another entry, "model_ema" say. Of the rest only names are kept. Views and shared storages become
/// tensors of their own, contiguous; 8- and 16-bit signed integers become i32.
/// Throws data where it is damaged; where several entries or none hold tensors; where a tensor of the weights is of
/// a kind that only PyTorch's code could build (quantized, sparse, an unknown class), by its name; and where the
/// pickle names a function that could run something, with its place. `source` begins messages. Zip files need
/// libzip (else Code::unsupported).
PthFile read_pth(const std::string& bytes, const std::string& source, const std::string& part = "");
/// Its tensors alone.
NamedTensors parse_pth(const std::string& bytes, const std::string& source);

}  // namespace cawe
