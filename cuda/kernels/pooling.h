// SPDX-License-Identifier: Apache-2.0
// Launch functions of max pooling (pooling.cu). Tensors are dense, NCHW or channels-last, and all of a call
// lie the same way. An image (one plane where NCHW) has less than 2^31 numbers.
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

struct PoolWindow {
  int kernel, stride, padding;
};

/// y = the largest number of each window, index = where it lies in its plane (y * width + x). Padding never
/// wins, the first of equals does, a NaN wins against all.
void max_pool2d(Number number, const void* x, void* y, int32_t* index, const Dims4& in, const Dims4& out,
                bool channels_last, const PoolWindow& window, DeviceStream stream);

/// Integers of scratch for max_pool2d_grad, 16-byte aligned.
int64_t max_pool2d_grad_scratch();
/// dx = for each cell the sum of dy over the windows that chose it, in row-major order of the windows. Right
/// for any index; fast where it comes from windows of one size, which need not be known.
void max_pool2d_grad(Number number, const void* dy, const int32_t* index, void* dx, int32_t* scratch,
                     const Dims4& out, const Dims4& in, bool channels_last, DeviceStream stream);

}  // namespace CAWE_DEVICE
