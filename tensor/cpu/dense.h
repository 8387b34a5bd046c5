// SPDX-License-Identifier: Apache-2.0
// Dense f32 tensors of one memory order: the k-th number in memory of each belongs to the k-th of the others,
// so that fast loops run over flat arrays and never look at strides.
#pragma once

#include "tensor/parallel.h"
#include "tensor/tensor.h"

namespace cawe::cpu {

/// Fewest elements that are worth a task of their own.
inline constexpr int64_t kGrain = 16384;

inline bool dense_f32(const Tensor& x) { return x.dtype() == DType::f32 && x.is_dense(); }

inline bool same_strides(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return false;
  for (int i = 0; i < a.rank(); ++i)
    if (a.dim(i) != 1 && a.stride(i) != b.stride(i)) return false;
  return true;
}

/// True where all are dense f32 tensors of one shape and one memory order, so that a flat loop pairs their
/// elements.
template <class... More>
bool aligned(const Tensor& x, const More&... more) {
  return dense_f32(x) && (... && (more.dtype() == DType::f32 && same_strides(x, more)));
}

}  // namespace cawe::cpu
