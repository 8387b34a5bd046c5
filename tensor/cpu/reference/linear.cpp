// SPDX-License-Identifier: Apache-2.0
// Matrix products: plain loops, sums in the order of their indices.
#include <algorithm>
#include <vector>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {

void ReferenceBackend::matmul(const Tensor& p, bool tp, const Tensor& q, bool tq, Tensor& y) {
  dispatch_floating("matmul", y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor pt = tp ? p.transpose(-1, -2) : p, qt = tq ? q.transpose(-1, -2) : q;
    // Where q lies along the sum's index, as in linear, one sum after the other; else a row of sums at once.
    const bool along = qt.stride(-2) == 1;
    const Tensor a = along ? pt.contiguous() : pt, b = along ? qt : qt.contiguous();
    const int64_t batches = y.rank() == 3 ? y.dim(0) : 1, rows = y.dim(-2), columns = y.dim(-1),
                  inner = a.dim(-1);
    const auto matrix = [](const Tensor& t, int64_t batch) {
      return t.data<T>() + (t.rank() == 3 ? batch * t.stride(0) : 0);
    };
    parallel_for(batches * rows, 16, [&](int64_t begin, int64_t end) {
      std::vector<T> sums(static_cast<size_t>(columns));
      for (int64_t i = begin; i < end; ++i) {
        const int64_t batch = i / rows, row = i % rows;
        const T *pa = matrix(a, batch) + row * a.stride(-2), *pb = matrix(b, batch);
        if (along)
          for (int64_t j = 0; j < columns; ++j) {
            T sum = 0;
            for (int64_t k = 0; k < inner; ++k) sum += pa[k] * pb[j * b.stride(-1) + k];
            sums[size_t(j)] = sum;
          }
        else {
          std::fill(sums.begin(), sums.end(), T(0));
          for (int64_t k = 0; k < inner; ++k)
            cpu::add_scaled(columns, pa[k * a.stride(-1)], pb + k * columns, sums.data());
        }
        T* py = matrix(y, batch) + row * y.stride(-2);
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
