// SPDX-License-Identifier: Apache-2.0
// Weights from whichever format a file turns out to have.
#pragma once

#include <string>

#include "tensor/io/safetensors.h"

namespace cawe {

/// By content, not by name: safetensors, zip .pth, legacy .pth. Throws data where it is none of them.
NamedTensors load_weight_file(const std::string& path);

}  // namespace cawe
