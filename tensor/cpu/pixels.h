// SPDX-License-Identifier: Apache-2.0
// Channels-last tensors in the fast loops: a pixel is C numbers that lie side by side.
#pragma once

#include "tensor/cpu/loops.h"

namespace cawe::cpu {

inline bool is_nhwc(const Tensor& x, DType dtype = DType::f32) {
  return x.dtype() == dtype && x.is_channels_last() && x.numel() > 0;
}

/// Pointer to the C numbers of pixel (n, y, x) of a channels-last tensor.
template <class T>
struct Pixels {
  explicit Pixels(const Tensor& t) : p(t.data<T>()), h(t.dim(2)), w(t.dim(3)), c(t.dim(1)) {}
  T* operator()(int64_t n, int64_t y, int64_t x) const { return p + ((n * h + y) * w + x) * c; }
  T* p;
  int64_t h, w, c;
};

}  // namespace cawe::cpu
