// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda/kernels/segments.h"
#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// out[s, k]: positions in x of the k largest numbers of each segment, largest first; ties by lower position,
/// -0 equals +0, NaN comes last. -1 where a segment has fewer than k numbers. f32 and f64; 0 <= k <= longest.
/// Nothing is copied to the host. `scratch`: top_k_scratch() bytes, 256-byte aligned.
size_t top_k_scratch(Number number, const Segments& segments, int64_t k);
void top_k(Number number, const void* x, const Segments& segments, int64_t k, int64_t* out, void* scratch,
           DeviceStream stream);

}  // namespace CAWE_DEVICE
