// SPDX-License-Identifier: Apache-2.0
// Matrix products: plain loops, sums in the order of their indices, a row of sums at once.
#include <algorithm>
#include <vector>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {

void ReferenceBackend::matmul(const Tensor& p, bool tp, const Tensor& q, bool tq, Tensor& y) {
  dispatch_floating("matmul", y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t batches = y.rank() == 3 ? y.dim(0) : 1, rows = y.dim(-2), columns = y.dim(-1);
    const Tensor a = tp ? p.transpose(-1, -2) : p, b = (tq ? q.transpose(-1, -2) : q).contiguous();
    const auto batch_stride = [](const Tensor& t) { return t.rank() == 3 ? t.stride(0) : 0; };
    parallel_for(batches * rows, 16, [&](int64_t begin, int64_t end) {
      std::vector<T> sums(static_cast<size_t>(columns));
      for (int64_t i = begin; i < end; ++i) {
        const int64_t batch = i / rows, row = i % rows;
        const T* pa = a.data<T>() + batch * batch_stride(a) + row * a.stride(-2);
        const T* pb = b.data<T>() + batch * batch_stride(b);
        T* py = y.data<T>() + batch * batch_stride(y) + row * y.stride(-2);
        std::fill(sums.begin(), sums.end(), T(0));
        for (int64_t k = 0; k < a.dim(-1); ++k)
          cpu::add_scaled(columns, pa[k * a.stride(-1)], pb + k * columns, sums.data());
        for (int64_t j = 0; j < columns; ++j) py[j * y.stride(-1)] = sums[size_t(j)];
      }
    });
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
                      cpu::add_scaled(inputs, d, px + n * inputs, partial + o * inputs);
                      partial[outputs * inputs + o] += d;
                    }
                });
    copy(sums.slice(0, 0, outputs * inputs).reshape({outputs, inputs}), dw);
    if (dbias.defined()) copy(sums.slice(0, outputs * inputs, outputs * (inputs + 1)), dbias);
  });
}

}  // namespace cawe
