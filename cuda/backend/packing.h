// SPDX-License-Identifier: Apache-2.0
// Tensors as kernels and the vendors' libraries want them: dense, in one layout or in one common order, and
// aligned for vector loads (slices may not be).
#pragma once

#include "cuda/kernels/types.h"
#include "tensor/tensor.h"

namespace CAWE_DEVICE {

inline bool is_packed(const Tensor& t, Layout layout) {
  constexpr uintptr_t kAlignment = 16;
  const bool dense = layout == Layout::channels_last ? t.is_channels_last() : t.is_contiguous();
  return dense && reinterpret_cast<uintptr_t>(t.raw()) % kAlignment == 0;
}

/// t itself where it is already packed in this layout, else a packed copy.
inline Tensor packed(const Tensor& t, Layout layout) {
  if (is_packed(t, layout)) return t;
  Tensor copy = Tensor::empty(t.shape(), t.dtype(), layout, t.device());
  copy.copy_from(t);
  return copy;
}

/// t itself where it is packed, else uninitialised memory for the result; deliver() then copies it to t.
inline Tensor packed_output(const Tensor& t, Layout layout) {
  return is_packed(t, layout) ? t : Tensor::empty(t.shape(), t.dtype(), layout, t.device());
}

/// Copies a result to the tensor it was computed for, unless that was written in place. An undefined `wanted`
/// gets nothing.
inline void deliver(const Tensor& computed, Tensor& wanted) {
  if (wanted.defined() && computed.raw() != wanted.raw()) wanted.copy_from(computed);
}

/// x's layout; contiguous where it has neither, or both.
inline Layout layout_of(const Tensor& x) {
  return x.is_channels_last() && !x.is_contiguous() ? Layout::channels_last : Layout::contiguous;
}
inline bool is_last(Layout layout) { return layout == Layout::channels_last; }

/// Scratch memory on the device.
inline Tensor bytes_on(Device device, int64_t bytes) {
  return Tensor::empty({bytes}, DType::u8, Layout::contiguous, device);
}

/// True where both are dense in one memory order; strides of dimensions of size 1 are arbitrary and ignored.
inline bool same_order(const Tensor& a, const Tensor& b) {
  bool same = a.is_dense() && b.is_dense();
  for (int d = 0; d < a.rank(); ++d) same &= a.dim(d) == 1 || a.stride(d) == b.stride(d);
  return same;
}

/// x in the memory order of `like`, which is dense: x itself or a copy.
inline Tensor in_order_of(const Tensor& like, const Tensor& x) {
  if (same_order(like, x)) return x;
  Tensor copy = Tensor::like(like, x.dtype());
  copy.copy_from(x);
  return copy;
}

}  // namespace CAWE_DEVICE
