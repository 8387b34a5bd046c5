// SPDX-License-Identifier: Apache-2.0
// What safetensors call tensors and their types: for those who read or write them for somebody else.
#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace cawe {

/// Whether the format can hold a tensor of this name.
bool can_name_tensor(const std::string& name);
/// The tensors that parse_safetensors() widens, and the type that the file holds them in: "int8", "int16". Throws as
/// that does.
std::map<std::string, std::string> widened_in(const char* data, size_t bytes, const std::string& source);

}  // namespace cawe
