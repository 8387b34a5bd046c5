// SPDX-License-Identifier: Apache-2.0
// Matrix products: fully connected layers and plain products.
#pragma once

#include "autograd/variable.h"

namespace cawe {

/// y = x w^T + bias. x: [N, K]; w: [M, K]; bias: [M] or undefined. Returns [N, M]. Gradients: dx = dy w, dw =
/// dy^T x (summed by lanes over N), dbias = sum of dy. Saves x and w. Throws Code::shape and Code::dtype.
Variable linear(const Variable& x, const Variable& w, const Variable& bias = {});

/// y = op(a) op(b), op being a transpose of the last two dimensions where asked for; rank 2, or rank 3 with
/// equal first dimensions. Gradients by both. Throws Code::shape and Code::dtype.
Variable matmul(const Variable& a, const Variable& b, bool transpose_a = false, bool transpose_b = false);

}  // namespace cawe
