// SPDX-License-Identifier: Apache-2.0
// Softmax of rows: plain loops. Sums run in double and in the order of the elements.
#include <algorithm>
#include <cmath>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {

void ReferenceBackend::softmax(const Tensor& x, Tensor& y) {
  dispatch_floating("softmax", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor xc = x.contiguous();
    const int64_t columns = x.dim(1);
    for (int64_t r = 0; r < x.dim(0); ++r) {
      const T* p = xc.data<T>() + r * columns;
      const T most = *std::max_element(p, p + columns);
      double sum = 0;
      for (int64_t c = 0; c < columns; ++c) sum += double(std::exp(p[c] - most));
      for (int64_t c = 0; c < columns; ++c)
        y.data<T>()[r * y.stride(0) + c * y.stride(1)] = T(double(std::exp(p[c] - most)) / sum);
    }
  });
}

void ReferenceBackend::softmax_grad(const Tensor& y, const Tensor& dy, Tensor& dx) {
  dispatch_floating("softmax_grad", y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor yc = y.contiguous(), dc = dy.contiguous();
    const int64_t columns = y.dim(1);
    for (int64_t r = 0; r < y.dim(0); ++r) {
      double sum = 0;
      for (int64_t i = r * columns; i < (r + 1) * columns; ++i)
        sum += double(yc.data<T>()[i]) * double(dc.data<T>()[i]);
      for (int64_t c = 0; c < columns; ++c) {
        const int64_t i = r * columns + c;
        dx.data<T>()[r * dx.stride(0) + c * dx.stride(1)] = yc.data<T>()[i] * (dc.data<T>()[i] - T(sum));
      }
    }
  });
}

}  // namespace cawe
