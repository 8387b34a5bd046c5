// SPDX-License-Identifier: Apache-2.0
// Two-dimensional convolution (cross-correlation, as in every framework).
#pragma once

#include "autograd/variable.h"
#include "tensor/primitives/params.h"

namespace cawe {

/// y[n, o] = bias[o] + sum over c, ky, kx of w[o, c, ky, kx] x[n, c, oy stride - padding + ky dilation, ...],
/// then max(y, 0) where `relu`. x: [N, C, H, W]; w: [O, C / groups, KH, KW]; bias: [O] or undefined. Returns
/// [N, O, OH, OW], channels-last, OH = (H + 2 padding - dilation (KH - 1) - 1) / stride + 1. Gradients: by x,
/// w and bias. Saves x and w (and y where relu). Throws Code::shape (ranks, channels, an empty output),
/// Code::dtype (dtypes differ), Code::usage (parameters).
Variable conv2d(const Variable& x, const Variable& w, const Variable& bias = {},
                const Conv2dParams& params = {}, bool relu = false);

}  // namespace cawe
