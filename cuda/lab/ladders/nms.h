// SPDX-License-Identifier: Apache-2.0
// Steps on the way to cuda/kernels/detection_nms.cu; docs/lessons/nms.md climbs them.
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// mask [n, ceil(n / 64)]: bit j of word d of row i is 1 where box i suppresses box 64 d + j. boxes [n, 4] in
/// the order of their scores, one class. Step 3 leaves the words left of the diagonal as they were.
void nms_square(const float* boxes, int64_t n, float threshold, unsigned long long* mask,
                DeviceStream stream);
void nms_square_shared(const float* boxes, int64_t n, float threshold, unsigned long long* mask,
                       DeviceStream stream);
void nms_triangle_shared(const float* boxes, int64_t n, float threshold, unsigned long long* mask,
                         DeviceStream stream);

}  // namespace CAWE_DEVICE
