// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// A channel's scale and shift. sums: f64 [2, c], or nullptr in evaluation, where the running values are read
/// and not changed; the rest is of type `number` (f32 or f64), [c] each, out [4, c].
void batch_norm_coefficients(Number number, const double* sums, double count, const void* w, const void* b,
                             double momentum, double eps, void* running_mean, void* running_var, void* out,
                             int64_t c, DeviceStream stream);

}  // namespace CAWE_DEVICE
