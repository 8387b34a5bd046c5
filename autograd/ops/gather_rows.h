// SPDX-License-Identifier: Apache-2.0
// Rows of a tensor, chosen by index.
#pragma once

#include "autograd/variable.h"

namespace cawe {

/// y[k] = x[index[k]] along the first dimension; index (i64) [K]. Gradients of rows taken twice add up in the
/// order of k. Throws Code::shape on an index out of range.
Variable gather_rows(const Variable& x, const Tensor& index);

}  // namespace cawe
