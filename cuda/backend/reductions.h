// SPDX-License-Identifier: Apache-2.0
// Sums that other families use: global average pooling does.
#pragma once

#include "cuda/backend/cuda_backend.h"

namespace CAWE_DEVICE {

/// Numbers [outer, size, inner] in memory; `kept` owns them where they are a temporary.
struct Numbers {
  Number number;
  const void* data;
  Tensor kept;
};

/// y [outer, inner] = sum over the middle dimension of x [outer, size, inner], divided by `divisor`; a long
/// sum is made in pieces.
void sum_middle(const CudaBackend& backend, Numbers x, int64_t outer, int64_t size, int64_t inner, Number out,
                void* y, double divisor);

}  // namespace CAWE_DEVICE
