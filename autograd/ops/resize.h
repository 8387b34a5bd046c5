// SPDX-License-Identifier: Apache-2.0
// Changing the size of feature maps.
#pragma once

#include "autograd/variable.h"

namespace cawe {

/// Nearest neighbour to size_of's height and width (source index = floor(d in / out)), plus `add`: the
/// top-down step of a feature pyramid (Lin et al. 2017, arXiv 1612.03144). x: [N, C, h, w]; add: [N, C, H,
/// W]. Gradients by both. Throws Code::shape.
Variable upsample_nearest(const Variable& x, const Variable& add);
/// The same without an addition.
Variable upsample_nearest(const Variable& x, int64_t height, int64_t width);

/// Bilinear, corners not aligned, no antialias: source coordinate (d + 0.5) in / out - 0.5, clamped to the
/// image. x: [N, C, h, w]; returns [N, C, height, width]. Gradient by x.
Variable resize_bilinear(const Variable& x, int64_t height, int64_t width);

}  // namespace cawe
