// SPDX-License-Identifier: Apache-2.0
// Launch functions of fills and copies (memory.cu) and of conversions between types (memory_convert.cu,
// memory_list.cu).
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

/// A tensor of a list: `count` elements that lie in the same order in x and y. Any alignment works; loads of 16
/// bytes need both 16-byte aligned.
struct ListedCopy {
  const void* x;
  void* y;
  int64_t count;
};
/// True where convert_list has these types: f32 and another floating one.
bool converts_lists(Element x_type, Element y_type);
/// y = x converted, as convert(), for every tensor of a list, which is in host memory and copied by the call.
void convert_list(Element x_type, Element y_type, const ListedCopy* list, int64_t length,
                  DeviceStream stream);

}  // namespace CAWE_DEVICE
