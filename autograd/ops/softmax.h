// SPDX-License-Identifier: Apache-2.0
// Softmax of rows.
#pragma once

#include "autograd/variable.h"

namespace cawe {

/// Softmax over the last dimension: y = exp(x - max) / sum of it. x: [R, C], floating; returns the same
/// shape. dx = y (dy - sum(y dy)). Throws Code::shape and Code::dtype.
Variable softmax(const Variable& x);

}  // namespace cawe
