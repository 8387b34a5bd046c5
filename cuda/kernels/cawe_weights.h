// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// w[n, c] = mean over h and w of ReLU(g[n, c, h, w]), Eq. 1 of the study's paper. g: n*c rows of h*w
/// numbers, 16-byte aligned.
void cawe_weights(Number number, const void* g, void* w, int64_t rows, int64_t cells, DeviceStream stream);
/// The same of channels-last gradients: g [n, cells, c]; w is 16-byte aligned, too.
void cawe_weights_channels_last(Number number, const void* g, void* w, int64_t n, int64_t c, int64_t cells,
                                DeviceStream stream);

}  // namespace CAWE_DEVICE
