// SPDX-License-Identifier: Apache-2.0
// Tensors as the vendor's libraries want them: dense in one layout, and aligned for vector loads, which
// slices need not be.
#pragma once

#include "cuda/kernels/types.h"
#include "tensor/tensor.h"

namespace CAWE_DEVICE {

inline bool is_packed(const Tensor& t, Layout layout) {
  constexpr uintptr_t kAlignment = 16;
  const bool dense = layout == Layout::channels_last ? t.is_channels_last() : t.is_contiguous();
  return dense && reinterpret_cast<uintptr_t>(t.raw()) % kAlignment == 0;
}

/// t itself where it is packed, else a packed copy.
inline Tensor packed(const Tensor& t, Layout layout) {
  if (is_packed(t, layout)) return t;
  Tensor copy = Tensor::empty(t.shape(), t.dtype(), layout, t.device());
  copy.copy_from(t);
  return copy;
}

/// t itself where it is packed, else fresh memory to compute into and to copy to t from.
inline Tensor packed_output(const Tensor& t, Layout layout) {
  return is_packed(t, layout) ? t : Tensor::empty(t.shape(), t.dtype(), layout, t.device());
}

}  // namespace CAWE_DEVICE
