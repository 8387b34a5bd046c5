// SPDX-License-Identifier: Apache-2.0
// Launch functions of pooling: max pooling (pooling.cu), the gradient of global average pooling
// (pooling_spread.cu; the means themselves are sums, reductions.h). Tensors are dense, NCHW or channels-last,
// all of a call in the same order. An image (one plane where NCHW) has less than 2^31 numbers.
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// Size, stride and padding of windows, the same along both axes.
struct PoolWindow {
  int kernel, stride, padding;
};

/// y = the largest number of each window, index = its position in its plane (y * width + x). Padding is never
/// chosen, the first of equals is, a NaN always is.
void max_pool2d(Number number, const void* x, void* y, int32_t* index, const Dims4& in, const Dims4& out,
                bool channels_last, const PoolWindow& window, DeviceStream stream);

/// dx = for each cell the sum of dy over the windows that chose it, in row-major order of the windows; `index` as
/// max_pool2d gave it for this window.
void max_pool2d_grad(Number number, const void* dy, const int32_t* index, void* dx, const Dims4& out,
                     const Dims4& in, bool channels_last, const PoolWindow& window, DeviceStream stream);

/// dx = dy / cells for every cell: dy [n, c]; dx [n, c, cells], or [n, cells, c] where channels_last.
void global_avg_pool_grad(Number number, const void* dy, void* dx, int64_t n, int64_t c, int64_t cells,
                          bool channels_last, DeviceStream stream);

}  // namespace CAWE_DEVICE
