// SPDX-License-Identifier: Apache-2.0
// Launch functions of fills and copies (memory.cu) and of conversions between types (memory_convert.cu).
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// Element types in memory, in the order of DType. A boolean is a byte, 0 or 1.
enum class Element : uint8_t { f32, f64, f16, bf16, i32, i64, u8, boolean };

/// Every element of y becomes the low `size` bytes (1, 2, 4 or 8) of `bits`.
void fill(int size, uint64_t bits, void* y, const StridedView& at, DeviceStream stream);

/// y = x, elements of `size` bytes (1, 2, 4 or 8), same sizes in both views.
void copy(int size, const void* x, const StridedView& from, void* y, const StridedView& to,
          DeviceStream stream);

/// y = x converted: f16 and bf16 through f32, to the nearest and ties to even; to integers by truncation
/// (undefined out of their range); to boolean: whether x is not 0. The types differ.
void convert(Element x_type, const void* x, const StridedView& from, Element y_type, void* y,
             const StridedView& to, DeviceStream stream);

}  // namespace CAWE_DEVICE
