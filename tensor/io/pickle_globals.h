// SPDX-License-Identifier: Apache-2.0
// The globals that a pickle may name: those that the machine of pickle.h builds something from, and those that tell
// a hostile file. For pickle.cpp alone.
#pragma once

#include <string>

#include "tensor/io/elements.h"

namespace cawe::pickle {

enum class Call : uint8_t { ordered_dict, default_dict, size, parameter, tensor, tensor_of_type, storage };
struct Global {
  const char* name;
  Call call;
  FileType type;
};

/// The entry of "module.name", or null: then nothing is built from it.
const Global* find_global(const std::string& name);

/// For the reader of the message: a file that names one of these is no honest one. Nothing hangs on the list being
/// whole, since what is not in it is not run either.
bool is_dangerous(const std::string& module, const std::string& name);

}  // namespace cawe::pickle
