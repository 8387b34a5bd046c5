// SPDX-License-Identifier: Apache-2.0
// Dense f32 tensors of one memory order in the fast loops: element i of each is element i, wherever it lies.
#pragma once

#include "tensor/parallel.h"
#include "tensor/tensor.h"

namespace cawe::cpu {

/// Elements that a task takes at least.
inline constexpr int64_t kGrain = 16384;

inline bool dense_f32(const Tensor& x) { return x.dtype() == DType::f32 && x.is_dense(); }

inline bool same_strides(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return false;
  for (int i = 0; i < a.rank(); ++i)
    if (a.dim(i) != 1 && a.stride(i) != b.stride(i)) return false;
  return true;
}

/// All dense f32 with one shape and one memory order: element i is element i.
template <class... More>
bool aligned(const Tensor& x, const More&... more) {
  return dense_f32(x) && (... && (more.dtype() == DType::f32 && same_strides(x, more)));
}

}  // namespace cawe::cpu
