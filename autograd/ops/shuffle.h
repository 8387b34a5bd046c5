// SPDX-License-Identifier: Apache-2.0
// Up-sampling in the colorizer's generator: pixel shuffle and the blur after it.
#pragma once

#include "autograd/variable.h"

namespace cawe {

/// y[n, c, 2h + i, 2w + j] = x[n, 4c + 2i + j, h, w] (Shi et al. 2016, arXiv 1609.05158, factor 2; PyTorch's
/// order). x: [N, 4C, H, W]; returns [N, C, 2H, 2W]. Throws Code::shape.
Variable pixel_shuffle(const Variable& x);

/// Mean of the 2 x 2 window that ends at each pixel, the first row and column repeated outwards: removes the
/// checkerboard pattern of a pixel shuffle (Sugawara et al. 2018, arXiv 1806.02658). x: [N, C, H, W]; returns
/// the same shape. Throws Code::shape.
Variable blur(const Variable& x);

}  // namespace cawe
