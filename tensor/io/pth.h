// SPDX-License-Identifier: Apache-2.0
// PyTorch's .pth files, both forms (zip and legacy), read by a pickle machine that knows tensors,
// dictionaries, lists, numbers and strings, and executes nothing.
#pragma once

#include <string>

#include "tensor/io/safetensors.h"

namespace cawe {

/// The tensors of a state dictionary; a wrapper ("state_dict", "model_state_dict", "model", "net") is opened,
/// other values are left out. Views and shared storages become tensors of their own, contiguous; 8- and
/// 16-bit signed integers become i32. Any other global that the pickle names is refused by name (Code::data).
/// `source` begins messages. Zip files need libzip (else Code::unsupported).
NamedTensors parse_pth(const std::string& bytes, const std::string& source);

}  // namespace cawe
