// SPDX-License-Identifier: Apache-2.0
// Steps on the way to cuda/kernels/cawe_weights.cu; docs/lessons/cawe_weights.md climbs them.
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// w[row] = mean of ReLU(g[row, i]) over the row's cells; g [rows, cells], f32.
void weights_by_threads(const float* g, float* w, int rows, int cells, DeviceStream stream);
void weights_by_trees(const float* g, float* w, int rows, int cells, DeviceStream stream);
void weights_by_shuffles(const float* g, float* w, int rows, int cells, DeviceStream stream);

}  // namespace CAWE_DEVICE
