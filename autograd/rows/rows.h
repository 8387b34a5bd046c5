// SPDX-License-Identifier: Apache-2.0
// What the files with the table's rows share: inputs and constants of cases.
#pragma once

#include "autograd/operator_table.h"
#include "tensor/random.h"

namespace cawe {

using In = std::vector<Variable>;

inline CaseInput contiguous(const Shape& shape, Values values = Values::free, bool grad = true) {
  return {shape, values, grad, false};
}
inline CaseInput image(const Shape& shape, Values values = Values::free, bool grad = true) {
  return {shape, values, grad, true};
}

/// Stays f32 beside images of 16-bit numbers.
inline CaseInput parameter(const Shape& shape, Values values = Values::free) {
  return {shape, values, true, false, true};
}

/// A constant of x's dtype on x's device.
inline Tensor beside(const Variable& x, const Tensor& t) { return t.to(x.dtype()).to(x.device()); }

/// 0 or 1 by a coin, -1 ("left out") for every seventh where `ignore`.
inline Tensor coins(const Shape& shape, const Variable& x, bool ignore = false) {
  const Random random(13, "coins");
  std::vector<float> t;
  for (int64_t i = 0; i < shape.numel(); ++i)
    t.push_back(ignore && i % 7 == 3 ? -1.0f : float(random.bits(uint64_t(i)) & 1));
  return beside(x, Tensor::from(t, shape));
}

/// Rows of the colorization GAN's operators (operator_rows_gan.cpp).
std::vector<OperatorRow> gan_operator_rows();
/// Softmax attention (rows/attention.cpp).
std::vector<OperatorRow> attention_operator_rows();
/// RoIAlign (rows/roi_align.cpp).
std::vector<OperatorRow> roi_align_operator_rows();

}  // namespace cawe
