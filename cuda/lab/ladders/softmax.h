// SPDX-License-Identifier: Apache-2.0
// Steps on the way to cuda/kernels/softmax.cu; docs/lessons/softmax.md climbs them.
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// Softmax of each row of x [rows, columns], f32.
void softmax_by_threads(const float* x, float* y, int rows, int columns, DeviceStream stream);
void softmax_by_blocks(const float* x, float* y, int rows, int columns, DeviceStream stream);
void softmax_by_warps(const float* x, float* y, int rows, int columns, DeviceStream stream);

}  // namespace CAWE_DEVICE
