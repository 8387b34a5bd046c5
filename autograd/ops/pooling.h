// SPDX-License-Identifier: Apache-2.0
// Max pooling of windows, average pooling of images.
#pragma once

#include "autograd/variable.h"
#include "tensor/primitives/params.h"

namespace cawe {

/// Largest value of each window. Padding is never chosen, a NaN always is; of equal values the first is
/// chosen and gets the gradient. x: [N, C, H, W]. Returns [N, C, OH, OW] with OH = (H + 2 padding - kernel) /
/// stride + 1. Throws Code::shape (rank, an empty output) and Code::usage (padding over half the kernel).
Variable max_pool2d(const Variable& x, const Pool2dParams& params);

/// Mean over H and W. x: [N, C, H, W]; returns [N, C]. dx = dy / (H W). Throws Code::shape.
Variable global_avg_pool(const Variable& x);

}  // namespace cawe
