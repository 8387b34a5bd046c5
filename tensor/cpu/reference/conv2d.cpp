// SPDX-License-Identifier: Apache-2.0
// Convolutions: plain loops, sums in the order of their indices.
#include <algorithm>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {

using cpu::View4;

void ReferenceBackend::conv2d(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dParams& p,
                              bool relu, Tensor& y) {
  dispatch_floating("conv2d", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> vx(x), vw(w), vy(y);
    const int64_t per_group = vy.c / p.groups;
    parallel_tasks(vy.n * vy.c, [&](int64_t task) {
      const int64_t n = task / vy.c, o = task % vy.c, first = o / per_group * vw.c;
      const T b = bias.defined() ? bias.data<T>()[o * bias.stride(0)] : T(0);
      for (int64_t oy = 0; oy < vy.h; ++oy)
        for (int64_t ox = 0; ox < vy.w; ++ox) {
          T sum = b;
          for (int64_t c = 0; c < vw.c; ++c)
            for (int64_t ky = 0; ky < vw.h; ++ky) {
              const int64_t iy = oy * p.stride - p.padding + ky * p.dilation;
              if (iy < 0 || iy >= vx.h) continue;
              for (int64_t kx = 0; kx < vw.w; ++kx) {
                const int64_t ix = ox * p.stride - p.padding + kx * p.dilation;
                if (ix >= 0 && ix < vx.w) sum += vx(n, first + c, iy, ix) * vw(o, c, ky, kx);
              }
            }
          vy(n, o, oy, ox) = relu && sum < T(0) ? T(0) : sum;
        }
    });
  });
}

void ReferenceBackend::conv2d_grad_input(const Tensor& dy, const Tensor& w, const Conv2dParams& p,
                                         Tensor& dx) {
  dispatch_floating("conv2d_grad_input", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> vd(dy), vw(w), vx(dx);
    const int64_t per_group = vd.c / p.groups;
    parallel_tasks(vx.n * vx.c, [&](int64_t task) {
      const int64_t n = task / vx.c, i = task % vx.c, group = i / vw.c, c = i % vw.c;
      for (int64_t iy = 0; iy < vx.h; ++iy)
        for (int64_t ix = 0; ix < vx.w; ++ix) {
          T sum = 0;
          for (int64_t o = group * per_group; o < (group + 1) * per_group; ++o)
            for (int64_t ky = 0; ky < vw.h; ++ky) {
              const int64_t ty = iy + p.padding - ky * p.dilation, oy = ty / p.stride;
              if (ty < 0 || ty % p.stride != 0 || oy >= vd.h) continue;
              for (int64_t kx = 0; kx < vw.w; ++kx) {
                const int64_t tx = ix + p.padding - kx * p.dilation, ox = tx / p.stride;
                if (tx >= 0 && tx % p.stride == 0 && ox < vd.w) sum += vd(n, o, oy, ox) * vw(o, c, ky, kx);
              }
            }
          vx(n, i, iy, ix) = sum;
        }
    });
  });
}

void ReferenceBackend::conv2d_grad_weight(const Tensor& x, const Tensor& dy, const Conv2dParams& p,
                                          Tensor& dw, Tensor& dbias) {
  dispatch_floating("conv2d_grad_weight", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> vx(x), vd(dy);
    const int64_t outputs = dw.dim(0), channels = dw.dim(1), kh = dw.dim(2), kw = dw.dim(3),
                  per_group = outputs / p.groups;
    const int64_t weights = dw.numel();
    Tensor sums = Tensor::empty({weights + outputs}, x.dtype());
    lane_sum<T>(lane_plan(x.dim(0)), sums.numel(), sums.data<T>(),
                [&](int64_t, int64_t begin, int64_t end, T* partial) {
                  std::fill(partial, partial + sums.numel(), T(0));
                  for (int64_t n = begin; n < end; ++n)
                    for (int64_t o = 0; o < outputs; ++o)
                      for (int64_t oy = 0; oy < vd.h; ++oy)
                        for (int64_t ox = 0; ox < vd.w; ++ox) {
                          const T d = vd(n, o, oy, ox);
                          partial[weights + o] += d;
                          for (int64_t c = 0; c < channels; ++c)
                            for (int64_t ky = 0; ky < kh; ++ky) {
                              const int64_t iy = oy * p.stride - p.padding + ky * p.dilation;
                              if (iy < 0 || iy >= vx.h) continue;
                              for (int64_t kx = 0; kx < kw; ++kx) {
                                const int64_t ix = ox * p.stride - p.padding + kx * p.dilation;
                                if (ix >= 0 && ix < vx.w)
                                  partial[((o * channels + c) * kh + ky) * kw + kx] +=
                                      d * vx(n, o / per_group * channels + c, iy, ix);
                              }
                            }
                        }
                });
    copy(sums.slice(0, 0, weights).reshape(dw.shape()), dw);
    if (dbias.defined()) copy(sums.slice(0, weights, weights + outputs), dbias);
  });
}

}  // namespace cawe
