// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/weights_file.h"

#include "tensor/io/files.h"
#include "tensor/io/pth.h"

namespace cawe {

NamedTensors load_weight_file(const std::string& path) {
  const std::string bytes = read_file(path);
  if (looks_like_safetensors(bytes.data(), bytes.size()))
    return parse_safetensors(bytes.data(), bytes.size(), path).tensors;
  return parse_pth(bytes, path);
}

}  // namespace cawe
