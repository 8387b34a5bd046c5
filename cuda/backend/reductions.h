// SPDX-License-Identifier: Apache-2.0
// What other families build on sums: global average pooling does.
#pragma once

#include "cuda/backend/cuda_backend.h"

namespace CAWE_DEVICE {

/// Numbers [outer, size, inner] in memory; `kept` owns them where they were made here.
struct Numbers {
  Number number;
  const void* data;
  Tensor kept;
};

/// y [outer, inner] = sum over the middle of x [outer, size, inner], over divisor; in pieces where it is
/// long.
void sum_middle(const CudaBackend& backend, Numbers x, int64_t outer, int64_t size, int64_t inner, Number out,
                void* y, double divisor);

}  // namespace CAWE_DEVICE
