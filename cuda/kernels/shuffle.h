// SPDX-License-Identifier: Apache-2.0
// Launch functions of pixel shuffle (shuffle.cu) and blur (shuffle_blur.cu). Tensors are packed: NCHW, or
// channels-last where `channels_last`, 16-byte aligned.
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// y[n, c, 2h + i, 2w + j] = x[n, 4c + 2i + j, h, w]; `small` are x's sizes [N, 4C, H, W].
void pixel_shuffle(Number number, const void* x, void* y, const Dims4& small, bool channels_last,
                   DeviceStream stream);
/// The inverse: dx [N, 4C, H, W] of sizes `small` from dy.
void pixel_shuffle_grad(Number number, const void* dy, void* dx, const Dims4& small, bool channels_last,
                        DeviceStream stream);

/// y = mean of the 2 x 2 window that ends at each pixel, the first row and column repeated outwards.
void blur(Number number, const void* x, void* y, const Dims4& sizes, bool channels_last, DeviceStream stream);
void blur_grad(Number number, const void* dy, void* dx, const Dims4& sizes, bool channels_last,
               DeviceStream stream);

}  // namespace CAWE_DEVICE
