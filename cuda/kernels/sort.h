// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda/kernels/segments.h"
#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// order[begin + r] = position in x of the r-th largest number of each segment; ties by lower position, -0
/// equals +0, NaN comes last. f32 and f64. Nothing is copied to the host. `scratch`: argsort_scratch() bytes,
/// 256-byte aligned.
size_t argsort_scratch(Number number, const Segments& segments);
void argsort_descending(Number number, const void* x, const Segments& segments, int64_t* order, void* scratch,
                        DeviceStream stream);

/// order[r] = position of the r-th smallest of n row indices, ties by lower position. Indices outside [0,
/// rows) come last. n below 2^31, rows below 2^32 - 1.
size_t argsort_rows_scratch(int64_t n);
void argsort_rows(const int64_t* index, int64_t n, int64_t rows, int64_t* order, void* scratch,
                  DeviceStream stream);

// --- short segments: sorted by one block each, without scratch
constexpr int64_t kMostSortedAtOnce = 2048;
/// out[s, take]: the first `take` of what argsort_descending() gives; segments.longest <= kMostSortedAtOnce.
void sort_short(Number number, const void* x, const Segments& segments, int64_t take, int64_t* out,
                DeviceStream stream);
/// out[s, k]: positions in x in the order of their keys, of the first k items of each segment (or all it
/// has). Keys are those of sort.cuh, [s, k] like the positions within the segment. k <= kMostSortedAtOnce.
void sort_short_keys(Number number, const void* keys, const uint32_t* indices, const Segments& segments,
                     int64_t k, int64_t* out, DeviceStream stream);
void sort_short_rows(const int64_t* index, int64_t n, int64_t rows, int64_t* order, DeviceStream stream);

}  // namespace CAWE_DEVICE
