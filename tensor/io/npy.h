// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy format: one array a file. Reads versions 1 to 3, C or Fortran order, little-endian.
#pragma once

#include <cstddef>
#include <string>

#include "tensor/tensor.h"

namespace cawe {

/// Throws data for other dtypes, big-endian or object arrays, sizes that do not fit, bytes behind the end.
Tensor parse_npy(const char* data, size_t bytes, const std::string& source);
/// Version 1.0, C order.
std::string to_npy(const Tensor& x);

}  // namespace cawe
