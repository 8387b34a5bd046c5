// SPDX-License-Identifier: Apache-2.0
// What the files of the operator table share: inputs and constants of cases, tensors on a backend's device. A
// file has the rows of one family of primitives. Tensors that a row makes go through beside(), constant(),
// numbers() or room(), so that they can be tried in every layout of memory (autograd/layouts.h).
#pragma once

#include "autograd/layouts.h"
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

/// A parameter: stays f32 where images are in 16 bits.
inline CaseInput parameter(const Shape& shape, Values values = Values::free) {
  return {shape, values, true, false, true};
}

/// A constant on x's device, of t's own dtype: indices, places.
inline Tensor constant(const Variable& x, const Tensor& t) { return in_scope(t.to(x.device())); }
/// A constant of x's dtype on x's device.
inline Tensor beside(const Variable& x, const Tensor& t) { return constant(x, t.to(x.dtype())); }
/// A tensor of x's dtype on x's device that the operator changes, such as a running mean.
inline Tensor state_beside(const Variable& x, const Tensor& t) {
  return in_scope(t.to(x.dtype()).to(x.device()), Use::output);
}

/// Random 0 or 1; with `ignore`, every seventh is -1 ("left out").
inline Tensor coins(const Shape& shape, const Variable& x, bool ignore = false) {
  const Random random(13, "coins");
  std::vector<float> t;
  for (int64_t i = 0; i < shape.numel(); ++i)
    t.push_back(ignore && i % 7 == 3 ? -1.0f : float(random.bits(uint64_t(i)) & 1));
  return beside(x, Tensor::from(t, shape));
}

// For rows of primitives.
/// Random numbers; `use`: whether the primitive also writes them.
inline Tensor numbers(const Backend& b, const Shape& shape, const std::string& purpose, double low = -1,
                      double high = 1, Layout layout = Layout::contiguous, Use use = Use::input) {
  const Random random(14, purpose);
  std::vector<float> v;
  for (int64_t i = 0; i < shape.numel(); ++i)
    v.push_back(float(low + (high - low) * random.uniform_double(uint64_t(i))));
  Tensor t = Tensor::empty(shape, DType::f32, layout);
  t.copy_from(Tensor::from(v, shape));
  return in_scope(t.to(b.device()), use);
}

/// Random numbers that the primitive changes in place.
inline Tensor state(const Backend& b, const Shape& shape, const std::string& purpose, double low = -1,
                    double high = 1) {
  return numbers(b, shape, purpose, low, high, Layout::contiguous, Use::output);
}

/// An uninitialised tensor on the backend's device.
inline Tensor room(const Backend& b, const Shape& shape, DType dtype = DType::f32,
                   Layout layout = Layout::contiguous) {
  return in_scope(Tensor::empty(shape, dtype, layout, b.device()), Use::output);
}

/// The two memory orders in turn.
inline Layout layout_of(int64_t variant) {
  return variant % 2 == 0 ? Layout::channels_last : Layout::contiguous;
}

// Rows of operators, by family (rows/FAMILY.cpp); `shape` has those that no primitive computes.
std::vector<OperatorRow> elementwise_operator_rows();
std::vector<OperatorRow> reductions_operator_rows();
std::vector<OperatorRow> linear_operator_rows();
std::vector<OperatorRow> conv2d_operator_rows();
std::vector<OperatorRow> batch_norm_operator_rows();
std::vector<OperatorRow> pooling_operator_rows();
std::vector<OperatorRow> resize_operator_rows();
std::vector<OperatorRow> shuffle_operator_rows();
std::vector<OperatorRow> weight_norms_operator_rows();
std::vector<OperatorRow> losses_operator_rows();
std::vector<OperatorRow> content_loss_operator_rows();
std::vector<OperatorRow> softmax_operator_rows();
std::vector<OperatorRow> attention_operator_rows();
std::vector<OperatorRow> gather_rows_operator_rows();
std::vector<OperatorRow> roi_align_operator_rows();
std::vector<OperatorRow> shape_operator_rows();

// Rows of primitives without a gradient, or that need more cases than their operator's row has.
std::vector<PrimitiveRow> memory_primitive_rows();
std::vector<PrimitiveRow> batch_norm_primitive_rows();
std::vector<PrimitiveRow> reductions_primitive_rows();
std::vector<PrimitiveRow> weight_norms_primitive_rows();
std::vector<PrimitiveRow> content_loss_primitive_rows();
std::vector<PrimitiveRow> detection_primitive_rows();
std::vector<PrimitiveRow> cawe_primitive_rows();
std::vector<PrimitiveRow> optimizers_primitive_rows();
std::vector<PrimitiveRow> films_primitive_rows();

}  // namespace cawe
