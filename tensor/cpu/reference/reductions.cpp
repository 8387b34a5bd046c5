// SPDX-License-Identifier: Apache-2.0
// Sums, largest and smallest numbers: plain loops.
#include <algorithm>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"
#include "tensor/denormals.h"

namespace cawe {

using cpu::broadcast_strides;
using cpu::for_each_offset;

void ReferenceBackend::sum_to(const Tensor& x, Tensor& y) {
  dispatch_floating("sum_to", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    Tensor sums = Tensor::zeros(y.shape(), DType::f64);
    const T* px = x.data<T>();
    double* ps = sums.data<double>();
    for_each_offset<2>(x.shape(), {x.strides(), broadcast_strides(sums, x.shape())},
                       [&](const auto& at) { ps[at[1]] += double(px[at[0]]); });
    copy(sums, y);
  });
}

void ReferenceBackend::argmax_rows(const Tensor& x, Tensor& y) {
  const KeepDenormals exact;  // it decides
  dispatch_floating("argmax_rows", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor in = x.contiguous();
    const T* p = in.data<T>();
    const int64_t rows = in.dim(0), columns = in.dim(1);
    for (int64_t r = 0; r < rows; ++r)
      y.data<int64_t>()[r * y.stride(0)] =
          std::max_element(p + r * columns, p + (r + 1) * columns) - (p + r * columns);
  });
}

void ReferenceBackend::min_max(const Tensor& x, Tensor& low, Tensor& high) {
  dispatch_floating("min_max", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (int64_t n = 0; n < x.dim(0); ++n) {
      const Tensor item = x.slice(0, n, n + 1).contiguous();
      const T* p = item.data<T>();
      const auto [least, most] = std::minmax_element(p, p + item.numel());
      low.data<T>()[n * low.stride(0)] = *least;
      high.data<T>()[n * high.stride(0)] = *most;
    }
  });
}

}  // namespace cawe
