// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda/kernels/segments.h"
#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// out[s, k]: positions in x of the k largest numbers of each segment, largest first; ties by lower position,
/// -0 equals +0, NaN comes last. -1 where a segment has fewer than k numbers. f32 and f64; 0 <= k <= longest.
/// No round trip to the host. `scratch`: top_k_scratch() bytes, 256-byte aligned.
size_t top_k_scratch(Number number, const Segments& segments, int64_t k);
void top_k(Number number, const void* x, const Segments& segments, int64_t k, int64_t* out, void* scratch,
           DeviceStream stream);

/// index[r] = column of the largest number of row r of x [rows, columns], the lowest on ties. NaN never wins,
/// but where it comes first in its row (std::max_element's answer). All floating types; columns >= 1.
void argmax_rows(Number number, const void* x, int64_t rows, int64_t columns, int64_t* index,
                 DeviceStream stream);

}  // namespace CAWE_DEVICE
