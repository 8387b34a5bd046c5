// SPDX-License-Identifier: Apache-2.0
// Matrix products: plain loops, sums in the order of their indices.
#include <algorithm>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {
namespace {

/// y[m, n] = sum_k a(m, k) b(k, n) for accessors a and b.
template <class T, class A, class B>
void product(int64_t m, int64_t n, int64_t k, A a, B b, T* y, int64_t ym, int64_t yn) {
  parallel_for(m, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t j = 0; j < n; ++j) {
        T sum = 0;
        for (int64_t l = 0; l < k; ++l) sum += a(i, l) * b(l, j);
        y[i * ym + j * yn] = sum;
      }
  });
}

}  // namespace

void ReferenceBackend::matmul(const Tensor& p, bool tp, const Tensor& q, bool tq, Tensor& y) {
  dispatch_floating("matmul", y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t batches = y.rank() == 3 ? y.dim(0) : 1;
    const int r = y.rank() - 2;
    const Tensor a = tp ? p.transpose(-1, -2) : p, b = tq ? q.transpose(-1, -2) : q;
    for (int64_t i = 0; i < batches; ++i) {
      const T* pa = a.data<T>() + (r ? i * a.stride(0) : 0);
      const T* pb = b.data<T>() + (r ? i * b.stride(0) : 0);
      T* py = y.data<T>() + (r ? i * y.stride(0) : 0);
      product<T>(
          y.dim(-2), y.dim(-1), a.dim(-1),
          [&](int64_t m, int64_t k) { return pa[m * a.stride(-2) + k * a.stride(-1)]; },
          [&](int64_t k, int64_t n) { return pb[k * b.stride(-2) + n * b.stride(-1)]; }, py, y.stride(-2),
          y.stride(-1));
    }
  });
}

void ReferenceBackend::linear(const Tensor& x, const Tensor& w, const Tensor& bias, Tensor& y) {
  matmul(x, false, w, true, y);
  if (bias.defined()) {
    const Tensor sum = y.clone();
    binary(BinaryOp::add, sum, bias, y);
  }
}

void ReferenceBackend::linear_grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) {
  matmul(dy, false, w, false, dx);
}

void ReferenceBackend::linear_grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor& dbias) {
  dispatch_floating("linear_grad_weight", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor xc = x.contiguous(), dc = dy.contiguous();
    const int64_t inputs = x.dim(1), outputs = dy.dim(1);
    const T *px = xc.data<T>(), *pd = dc.data<T>();
    Tensor sums = Tensor::empty({outputs * (inputs + 1)}, x.dtype());
    lane_sum<T>(lane_plan(x.dim(0)), sums.numel(), sums.data<T>(),
                [&](int64_t, int64_t begin, int64_t end, T* partial) {
                  std::fill(partial, partial + sums.numel(), T(0));
                  for (int64_t n = begin; n < end; ++n)
                    for (int64_t o = 0; o < outputs; ++o) {
                      const T d = pd[n * outputs + o];
                      for (int64_t i = 0; i < inputs; ++i) partial[o * inputs + i] += d * px[n * inputs + i];
                      partial[outputs * inputs + o] += d;
                    }
                });
    copy(sums.slice(0, 0, outputs * inputs).reshape({outputs, inputs}), dw);
    if (dbias.defined()) copy(sums.slice(0, outputs * inputs, outputs * (inputs + 1)), dbias);
  });
}

}  // namespace cawe
