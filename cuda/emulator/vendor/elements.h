// SPDX-License-Identifier: Apache-2.0
// Tensors in device memory as the libraries see them, to and from tensors that the CPU computes with.
// Internal.
#pragma once

#include <array>

#include "cuda/emulator/vendor/cuda_api.h"
#include "tensor/tensor.h"

namespace cawe::emulated {

using Sizes = std::array<int64_t, 4>;

/// Elements of device memory: four sizes (1 where there are fewer) and strides in elements.
struct Strided {
  char* p = nullptr;
  DType dtype = DType::f32;
  Sizes size{1, 1, 1, 1}, stride{};
  int64_t count() const { return size[0] * size[1] * size[2] * size[3]; }
  size_t bytes() const;  ///< from the first element to behind the last
};

/// Whether the device memory is there and aligned to its elements; else complains. `what` names the operand.
bool check_elements(const char* what, const Strided& x);

/// What the CPU computes in: f64 for f64, else f32.
inline DType work_type(DType dtype) { return dtype == DType::f64 ? DType::f64 : DType::f32; }

/// to = from, element by element; `to` has the work type and, read as four sizes with `to_stride`, from's
/// sizes. tf32: numbers of f32 lose what TF32 does not hold (10 bits of mantissa stay).
void gather(const char* what, const Strided& from, bool tf32, const Tensor& to, const Sizes& to_stride);
/// A fresh tensor of from's four sizes.
Tensor gather(const char* what, const Strided& from, bool tf32 = false, Layout layout = Layout::contiguous);

enum class Activation : uint8_t { none, relu, relu_without_nan };

/// What becomes of a result on its way to memory: activation(alpha * result + beta * old + bias).
struct Epilogue {
  double alpha = 1, beta = 0;
  Strided old;  ///< read where beta is not 0; may be the target itself
  Tensor bias;  ///< of the work type, along dimension 1; may be undefined
  Activation activation = Activation::none;
};

/// Writes a result (of the work type of to.dtype) with to's sizes and strides `result_stride`.
void scatter(const Tensor& result, const Sizes& result_stride, const Epilogue& e, const Strided& to);

/// Fills x with bytes that are NaN in every format, and nothing between its elements.
void overwrite(const Strided& x);

/// A tensor for weights of this shape that is used again and again: the CPU's convolutions keep forms of a
/// weight by its storage, which touch() makes stale. Fresh tensors would fill that store.
Tensor& reused_weight(const Shape& shape, DType dtype);

}  // namespace cawe::emulated
