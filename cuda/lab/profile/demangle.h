// SPDX-License-Identifier: Apache-2.0
// Readable names of kernels.
#pragma once

#include <string>

namespace cawe::gpu {

/// "_ZN4cawe4copyIfEEvPT_" -> "void cawe::copy<float>(float*)". The name itself where it is not mangled,
/// cannot be read, is longer than 1024 characters, or could unfold to more than some megabytes.
std::string demangle(const std::string& mangled);

}  // namespace cawe::gpu
