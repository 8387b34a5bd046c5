// SPDX-License-Identifier: Apache-2.0
// Class-aware attention: plain loops, sums in double.
#include <algorithm>
#include <cmath>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {

using cpu::View4;

void ReferenceBackend::cawe_weights(const Tensor& g, Tensor& w) {
  dispatch_floating("cawe_weights", g.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> v(g);
    for (int64_t n = 0; n < v.n; ++n)
      for (int64_t c = 0; c < v.c; ++c) {
        double sum = 0;
        for (int64_t i = 0; i < v.h; ++i)
          for (int64_t j = 0; j < v.w; ++j) sum += std::max(0.0, double(v(n, c, i, j)));
        w.data<T>()[n * w.stride(0) + c * w.stride(1)] = T(sum / double(v.h * v.w));
      }
  });
}

void ReferenceBackend::cawe_map(const Tensor& w, const Tensor& f, Tensor& map) {
  dispatch_floating("cawe_map", f.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> v(f), out(map);
    for (int64_t n = 0; n < v.n; ++n)
      for (int64_t i = 0; i < v.h; ++i)
        for (int64_t j = 0; j < v.w; ++j) {
          double sum = 0;
          for (int64_t c = 0; c < v.c; ++c)
            sum += double(w.data<T>()[n * w.stride(0) + c * w.stride(1)]) * double(v(n, c, i, j));
          out(n, 0, i, j) = T(std::max(0.0, sum));
        }
  });
}

void ReferenceBackend::cawe_fuse(const Tensor& x, const Tensor& map, double alpha, Tensor& y) {
  dispatch_floating("cawe_fuse", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> in(x), m(map), out(y);
    for (int64_t n = 0; n < in.n; ++n)
      for (int64_t c = 0; c < in.c; ++c)
        for (int64_t i = 0; i < in.h; ++i)
          for (int64_t j = 0; j < in.w; ++j)
            out(n, c, i, j) = in(n, c, i, j) * (T(alpha) + (T(1) - T(alpha)) * m(n, 0, i, j));
  });
}

void ReferenceBackend::cawe_enhance(const Tensor& x, const Tensor& w, const Tensor& f, double alpha,
                                    double fill, Tensor& map, Tensor& range, Tensor& y) {
  cawe_map(w, f, map);
  Tensor large = Tensor::empty({x.dim(0), 1, x.dim(2), x.dim(3)}, x.dtype());
  resize_bilinear(map, large);
  Tensor low = Tensor::empty({x.dim(0)}, x.dtype()), high = Tensor::like(low);
  min_max(large, low, high);
  dispatch_floating("cawe_enhance", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> m(large);
    for (int64_t n = 0; n < m.n; ++n) {
      const T least = low.data<T>()[n], most = high.data<T>()[n];
      const double a = double(least), b = double(most);
      bool usable = std::isfinite(a) && std::isfinite(b) && b - a > 1e-8 * std::max(1.0, std::fabs(b));
      for (int64_t i = 0; i < m.h; ++i)
        for (int64_t j = 0; j < m.w; ++j) usable &= std::isfinite(double(m(n, 0, i, j)));
      for (int64_t i = 0; i < m.h; ++i)
        for (int64_t j = 0; j < m.w; ++j)
          m(n, 0, i, j) = usable ? (m(n, 0, i, j) - least) / (most - least) : T(fill);
      double* out = range.data<double>() + n * range.stride(0);
      out[0] = a;
      out[range.stride(1)] = b;
      out[2 * range.stride(1)] = usable ? 0 : 1;
    }
  });
  cawe_fuse(x, large, alpha, y);
}

}  // namespace cawe
