// SPDX-License-Identifier: Apache-2.0
// Element-wise functions with their gradients. The arithmetic stands in tensor/elementwise.h.
#pragma once

#include "autograd/variable.h"

namespace cawe {

// y has x's shape and dtype (floating). dx = dy * slope(x, y). Throw Code::dtype where x is not floating.
Variable relu(const Variable& x);                      ///< max(x, 0)
Variable leaky_relu(const Variable& x, double slope);  ///< x > 0 ? x : slope x
Variable sigmoid(const Variable& x);                   ///< 1 / (1 + exp(-x))
Variable tanh(const Variable& x);
Variable exp(const Variable& x);
Variable log(const Variable& x);
Variable sqrt(const Variable& x);
Variable square(const Variable& x);
Variable abs(const Variable& x);                                     ///< slope 0 at 0
Variable softplus(const Variable& x);                                ///< log(1 + exp(x)), finite for all x
Variable clamp(const Variable& x, double low, double high);          ///< slope 1 inside, bounds included
Variable affine(const Variable& x, double scale, double shift = 0);  ///< scale x + shift

/// x as `dtype`, rounded to nearest even; the gradient comes back in x's dtype. x itself where nothing
/// changes.
Variable cast(const Variable& x, DType dtype);
/// True for the 16-bit types, in which only GPUs compute.
inline bool is_narrow(DType dtype) { return dtype == DType::f16 || dtype == DType::bf16; }

// NumPy broadcasting; dtypes agree. A gradient is summed over the repeated dimensions. Throw Code::shape
// where shapes do not broadcast and Code::dtype where dtypes differ.
Variable add(const Variable& a, const Variable& b);
Variable sub(const Variable& a, const Variable& b);
Variable mul(const Variable& a, const Variable& b);
Variable div(const Variable& a, const Variable& b);

}  // namespace cawe
