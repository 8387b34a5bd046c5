// SPDX-License-Identifier: Apache-2.0
// Launch functions of resizing: nearest neighbour (resize_nearest.cu), bilinear (resize_bilinear.cu). Tensors
// are dense, NCHW or channels-last, all of a call in the same order. An image (one plane where NCHW) has less
// than 2^31 numbers, and source size times target size is below 2^31 along each axis.
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// y = x at (floor(i h / H), floor(j w / W)), plus `add` (y's shape) unless that is nullptr.
void upsample_nearest(Number number, const void* x, const void* add, void* y, const Dims4& in,
                      const Dims4& out, bool channels_last, DeviceStream stream);
/// dx = for each cell the sum of dy over the cells that were copied from it, in row-major order. out: sizes
/// of dy, in: of dx.
void upsample_nearest_grad(Number number, const void* dy, void* dx, const Dims4& out, const Dims4& in,
                           bool channels_last, DeviceStream stream);

/// Bytes of scratch for the two functions below.
int64_t resize_bilinear_scratch(Number number, const Dims4& in, const Dims4& out);
/// Bilinear, align_corners=false, no antialias.
void resize_bilinear(Number number, const void* x, void* y, void* scratch, const Dims4& in, const Dims4& out,
                     bool channels_last, DeviceStream stream);
void resize_bilinear_grad(Number number, const void* dy, void* dx, void* scratch, const Dims4& out,
                          const Dims4& in, bool channels_last, DeviceStream stream);

}  // namespace CAWE_DEVICE
