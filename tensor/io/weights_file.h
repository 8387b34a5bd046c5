// SPDX-License-Identifier: Apache-2.0
// Weights from whichever format a file turns out to have.
#pragma once

#include <string>

#include "tensor/io/pth.h"

namespace cawe {

/// By content, not by name: safetensors, zip .pth, legacy .pth; `part` as in read_pth(). Throws data where it is
/// none of them, usage for a part of a file that has none.
PthFile read_weight_file(const std::string& path, const std::string& part = "");
/// Its tensors alone.
NamedTensors load_weight_file(const std::string& path);

}  // namespace cawe
