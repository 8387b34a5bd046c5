// SPDX-License-Identifier: Apache-2.0
// Element-wise arithmetic: plain loops around the functors of tensor/elementwise.h.
#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {

using cpu::broadcast_strides;
using cpu::for_each_offset;

void ReferenceBackend::unary(UnaryOp op, double a, double b, const Tensor& x, Tensor& y) {
  dispatch_floating("unary", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    elementwise::visit<T>(op, T(a), T(b), [&](auto f) {
      const T* px = x.data<T>();
      T* py = y.data<T>();
      for_each_offset<2>(y.shape(), {x.strides(), y.strides()},
                         [&](const auto& at) { py[at[1]] = f.value(px[at[0]]); });
    });
  });
}

void ReferenceBackend::unary_grad(UnaryOp op, double a, double b, const Tensor& x, const Tensor& y,
                                  const Tensor& dy, Tensor& dx) {
  dispatch_floating("unary_grad", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    elementwise::visit<T>(op, T(a), T(b), [&](auto f) {
      const T *px = x.data<T>(), *py = y.data<T>(), *pd = dy.data<T>();
      T* out = dx.data<T>();
      for_each_offset<4>(dx.shape(), {x.strides(), y.strides(), dy.strides(), dx.strides()},
                         [&](const auto& at) { out[at[3]] = pd[at[2]] * f.slope(px[at[0]], py[at[1]]); });
    });
  });
}

void ReferenceBackend::binary(BinaryOp op, const Tensor& p, const Tensor& q, Tensor& y) {
  dispatch_floating("binary", y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *a = p.data<T>(), *b = q.data<T>();
    T* out = y.data<T>();
    for_each_offset<3>(y.shape(),
                       {broadcast_strides(p, y.shape()), broadcast_strides(q, y.shape()), y.strides()},
                       [&](const auto& at) { out[at[2]] = elementwise::binary(op, a[at[0]], b[at[1]]); });
  });
}

void ReferenceBackend::accumulate(const Tensor& x, Tensor& y) {
  dispatch_floating("accumulate", y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* px = x.data<T>();
    T* py = y.data<T>();
    for_each_offset<2>(y.shape(), {x.strides(), y.strides()},
                       [&](const auto& at) { py[at[1]] += px[at[0]]; });
  });
}

}  // namespace cawe
