// SPDX-License-Identifier: Apache-2.0
// Pooling.
#pragma once

#include "autograd/variable.h"
#include "tensor/backend.h"

namespace cawe {

/// Largest value of each window; padding never wins; the first of equals does, and gets the gradient. A NaN
/// wins. x: [N, C, H, W]. Returns [N, C, OH, OW] with OH = (H + 2 padding - kernel) / stride + 1. Throws
/// Code::shape (rank, an empty output) and Code::usage (padding over half the kernel).
Variable max_pool2d(const Variable& x, const Pool2dParams& params);

/// Mean over H and W. x: [N, C, H, W]; returns [N, C]. dx = dy / (H W).
Variable global_avg_pool(const Variable& x);

}  // namespace cawe
