// SPDX-License-Identifier: Apache-2.0
// Pooling: plain loops.
#include <algorithm>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {

using cpu::View4;

void ReferenceBackend::max_pool2d(const Tensor& x, const Pool2dParams& p, Tensor& y, Tensor& index) {
  dispatch_floating("max_pool2d", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> in(x), out(y);
    const View4<int32_t> chosen(index);
    parallel_tasks(in.n, [&](int64_t n) {
      for (int64_t c = 0; c < in.c; ++c)
        for (int64_t oy = 0; oy < out.h; ++oy)
          for (int64_t ox = 0; ox < out.w; ++ox) {
            T best = 0;
            int64_t where = -1;
            for (int64_t iy = std::max<int64_t>(0, oy * p.stride - p.padding);
                 iy < std::min(in.h, oy * p.stride - p.padding + p.kernel); ++iy)
              for (int64_t ix = std::max<int64_t>(0, ox * p.stride - p.padding);
                   ix < std::min(in.w, ox * p.stride - p.padding + p.kernel); ++ix) {
                const T v = in(n, c, iy, ix);
                if (where >= 0 && !(v > best) && v == v) continue;
                best = v;
                where = iy * in.w + ix;
              }
            out(n, c, oy, ox) = best;
            chosen(n, c, oy, ox) = int32_t(where);
          }
    });
  });
}

void ReferenceBackend::max_pool2d_grad(const Tensor& dy, const Tensor& index, const Pool2dParams&,
                                       Tensor& dx) {
  dispatch_floating("max_pool2d_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    fill(dx, 0);
    const View4<T> in(dy), out(dx);
    const View4<int32_t> chosen(index);
    parallel_tasks(in.n, [&](int64_t n) {
      for (int64_t c = 0; c < in.c; ++c)
        for (int64_t i = 0; i < in.h; ++i)
          for (int64_t j = 0; j < in.w; ++j) {
            const int64_t where = chosen(n, c, i, j);
            out(n, c, where / out.w, where % out.w) += in(n, c, i, j);
          }
    });
  });
}

void ReferenceBackend::global_avg_pool(const Tensor& x, Tensor& y) {
  dispatch_floating("global_avg_pool", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> v(x);
    parallel_tasks(v.n, [&](int64_t n) {
      for (int64_t c = 0; c < v.c; ++c) {
        double sum = 0;
        for (int64_t i = 0; i < v.h; ++i)
          for (int64_t j = 0; j < v.w; ++j) sum += double(v(n, c, i, j));
        y.data<T>()[n * y.stride(0) + c * y.stride(1)] = T(sum / double(v.h * v.w));
      }
    });
  });
}

void ReferenceBackend::global_avg_pool_grad(const Tensor& dy, Tensor& dx) {
  dispatch_floating("global_avg_pool_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> v(dx);
    parallel_tasks(v.n, [&](int64_t n) {
      for (int64_t c = 0; c < v.c; ++c) {
        const T g = dy.data<T>()[n * dy.stride(0) + c * dy.stride(1)] / T(v.h * v.w);
        for (int64_t i = 0; i < v.h; ++i)
          for (int64_t j = 0; j < v.w; ++j) v(n, c, i, j) = g;
      }
    });
  });
}

}  // namespace cawe
