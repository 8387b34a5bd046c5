// SPDX-License-Identifier: Apache-2.0
// Reading tensors of any strides in plain loops.
#pragma once

#include "tensor/parallel.h"
#include "tensor/profile.h"
#include "tensor/tensor.h"

namespace cawe::cpu {

/// Rank-4 view of a tensor [N, C, H, W] with its strides.
template <class T>
struct View4 {
  T* p;
  int64_t n, c, h, w, sn, sc, sh, sw;
  explicit View4(const Tensor& t)
      : p(t.data<T>()),
        n(t.shape()[0]),
        c(t.shape()[1]),
        h(t.shape()[2]),
        w(t.shape()[3]),
        sn(t.strides()[0]),
        sc(t.strides()[1]),
        sh(t.strides()[2]),
        sw(t.strides()[3]) {}
  T& operator()(int64_t i, int64_t j, int64_t y, int64_t x) const {
    return p[i * sn + j * sc + y * sh + x * sw];
  }
};

/// sums[i] += factor * x[i]: many sums, each in the order of the calls.
template <class T>
void add_scaled(int64_t count, T factor, const T* x, T* sums) {
  for (int64_t i = 0; i < count; ++i) sums[i] += factor * x[i];
}

/// Calls fn(offsets...) for every element of `shape` in row-major order, with each tensor's offset in
/// elements.
template <size_t K, class Fn>
void for_each_offset(const Shape& shape, const std::array<Shape, K>& strides, Fn&& fn) {
  const int64_t total = shape.numel();
  if (total == 0) return;
  std::array<int64_t, Shape::kMaxRank> index{};
  std::array<int64_t, K> at{};
  const int rank = shape.rank();
  for (int64_t i = 0; i < total; ++i) {
    fn(at);
    for (int d = rank - 1; d >= 0; --d) {
      for (size_t k = 0; k < K; ++k) at[k] += strides[k][d];
      if (++index[size_t(d)] < shape[d]) break;
      for (size_t k = 0; k < K; ++k) at[k] -= strides[k][d] * shape[d];
      index[size_t(d)] = 0;
    }
  }
}

/// Strides of x seen in `shape` by broadcasting: 0 along repeated dimensions.
inline Shape broadcast_strides(const Tensor& x, const Shape& shape) { return x.expand(shape).strides(); }

}  // namespace cawe::cpu
