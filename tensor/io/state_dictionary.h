// SPDX-License-Identifier: Apache-2.0
// Which of a .pth file's dictionaries holds its weights. For pth.cpp alone.
#pragma once

#include <map>
#include <string>

#include "tensor/io/pickle.h"
#include "tensor/io/pth.h"

namespace cawe::pickle {

/// Descriptions of the weights by name.
using StateDictionary = std::map<std::string, const TensorRef*>;
/// By the rule of read_pth(), which fills what stands beside the tensors in `out`. Throws as it says. `looked_at`
/// receives how many entries of dictionaries were looked at: at most as many as the file holds.
StateDictionary state_dictionary(const Value& root, const std::string& part, const std::string& source,
                                 PthFile* out, size_t* looked_at = nullptr);

}  // namespace cawe::pickle
