// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/weights_file.h"

#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/text.h"

namespace cawe {

PthFile read_weight_file(const std::string& path, const std::string& part) {
  const std::string bytes = read_file(path);
  if (!looks_like_safetensors(bytes.data(), bytes.size())) return read_pth(bytes, path, part);
  CAWE_CHECK(part.empty(), Code::usage, path, ": has no part \"", printable(part),
             "\": safetensors hold one set of tensors (expected none)");
  Safetensors file = parse_safetensors(bytes.data(), bytes.size(), path);
  return {std::move(file.tensors), "", {}, {}, std::move(file.widened), std::move(file.metadata)};
}

NamedTensors load_weight_file(const std::string& path) { return read_weight_file(path).tensors; }

}  // namespace cawe
