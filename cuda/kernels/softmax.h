// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// y[r, j] = exp(x[r, j] - max_k x[r, k]) / sum_k exp(x[r, k] - max): x, y [rows, columns], row-major. A row
/// with a NaN, with +inf or with only -inf gives NaN. Up to 2^31 - 1 rows and columns.
void softmax(Number number, const void* x, void* y, int64_t rows, int64_t columns, DeviceStream stream);

/// dx = y (dy - sum_k y[r, k] dy[r, k]); dx may be dy.
void softmax_grad(Number number, const void* y, const void* dy, void* dx, int64_t rows, int64_t columns,
                  DeviceStream stream);

}  // namespace CAWE_DEVICE
