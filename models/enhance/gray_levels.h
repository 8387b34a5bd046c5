// SPDX-License-Identifier: Apache-2.0
// Runs the 8-bit methods (CLAHE, AFDA, MedGA) on films in [0, 1]: to gray levels 0..255 and back.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "tensor/tensor.h"

namespace cawe::models {

using GrayLevelMethod = std::function<std::vector<uint8_t>(int64_t image, const std::vector<uint8_t>& levels,
                                                           int64_t rows, int64_t columns)>;

/// gray [N, 1, H, W] (f32) in [0, 1]: each image rounded half up to 255 levels, through `method`, divided by
/// 255. Images run in parallel. Throws Code::shape, naming `name`.
Tensor map_gray_levels(const char* name, const Tensor& gray, const GrayLevelMethod& method);

}  // namespace cawe::models
