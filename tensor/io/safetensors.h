// SPDX-License-Identifier: Apache-2.0
// The safetensors format (github.com/huggingface/safetensors): a JSON header and raw little-endian tensors.
// Checkpoints and weights are kept in it.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "tensor/tensor.h"

namespace cawe {

using NamedTensors = std::map<std::string, Tensor>;

/// The contents of a file: tensors by name, and free text by name ("__metadata__").
struct Safetensors {
  NamedTensors tensors;
  std::map<std::string, std::string> metadata;
  std::map<std::string, std::string> widened =
      {};  ///< what the file held as "int8" or "int16", where it was read
};

/// Whether the format can hold a tensor of this name.
bool can_name_tensor(const std::string& name);

/// The file's bytes in canonical form: "__metadata__" first, then tensors by name, without gaps; the header
/// padded with spaces to 8 bytes. The same content always gives the same bytes.
std::string to_safetensors(const Safetensors& file);
void save_safetensors(const std::string& path, const Safetensors& file);

/// Strict: Code::data for overlaps, gaps, sizes that do not fit the shape, duplicate or unknown keys, unknown
/// dtypes, bytes behind the end. I8 and I16 become i32. `source` names the file in errors.
Safetensors parse_safetensors(const char* data, size_t bytes, const std::string& source);
/// True where the bytes could begin a safetensors file (a plausible header length and '{').
bool looks_like_safetensors(const char* data, size_t bytes);

}  // namespace cawe
