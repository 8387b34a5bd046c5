// SPDX-License-Identifier: Apache-2.0
// Resizing: plain loops.
#include <algorithm>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {
namespace {

using cpu::View4;

/// The two source pixels that an output pixel lies between, and the second one's weight. Pixel centres lie at
/// half-integer coordinates (align_corners = false): source = (d + 0.5) * in / out - 0.5, clamped to the
/// image.
struct Tap {
  int64_t first, second;
  double weight;
};
Tap tap(int64_t d, int64_t in, int64_t out) {
  const double at = std::max(0.0, (double(d) + 0.5) * (double(in) / double(out)) - 0.5);
  const int64_t first = std::min(int64_t(at), in - 1);
  return {first, std::min(first + 1, in - 1), at - double(first)};
}

}  // namespace

void ReferenceBackend::upsample_nearest(const Tensor& x, const Tensor& add, Tensor& y) {
  dispatch_floating("upsample_nearest", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> in(x), out(y), more(add.defined() ? add : y);
    parallel_tasks(in.n, [&](int64_t n) {
      for (int64_t c = 0; c < in.c; ++c)
        for (int64_t i = 0; i < out.h; ++i)
          for (int64_t j = 0; j < out.w; ++j) {
            const T v = in(n, c, i * in.h / out.h, j * in.w / out.w);
            out(n, c, i, j) = add.defined() ? v + more(n, c, i, j) : v;
          }
    });
  });
}

void ReferenceBackend::upsample_nearest_grad(const Tensor& dy, Tensor& dx) {
  dispatch_floating("upsample_nearest_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    fill(dx, 0);
    const View4<T> in(dy), out(dx);
    parallel_tasks(in.n, [&](int64_t n) {
      for (int64_t c = 0; c < in.c; ++c)
        for (int64_t i = 0; i < in.h; ++i)
          for (int64_t j = 0; j < in.w; ++j) out(n, c, i * out.h / in.h, j * out.w / in.w) += in(n, c, i, j);
    });
  });
}

void ReferenceBackend::resize_bilinear(const Tensor& x, Tensor& y) {
  dispatch_floating("resize_bilinear", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> in(x), out(y);
    parallel_tasks(in.n, [&](int64_t n) {
      for (int64_t i = 0; i < out.h; ++i) {
        const Tap v = tap(i, in.h, out.h);
        for (int64_t j = 0; j < out.w; ++j) {
          const Tap u = tap(j, in.w, out.w);
          for (int64_t c = 0; c < in.c; ++c) {
            const T top =
                T(1 - u.weight) * in(n, c, v.first, u.first) + T(u.weight) * in(n, c, v.first, u.second);
            const T bottom =
                T(1 - u.weight) * in(n, c, v.second, u.first) + T(u.weight) * in(n, c, v.second, u.second);
            out(n, c, i, j) = T(1 - v.weight) * top + T(v.weight) * bottom;
          }
        }
      }
    });
  });
}

void ReferenceBackend::resize_bilinear_grad(const Tensor& dy, Tensor& dx) {
  dispatch_floating("resize_bilinear_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    fill(dx, 0);
    const View4<T> in(dy), out(dx);
    parallel_tasks(in.n, [&](int64_t n) {
      for (int64_t i = 0; i < in.h; ++i) {
        const Tap v = tap(i, out.h, in.h);
        for (int64_t j = 0; j < in.w; ++j) {
          const Tap u = tap(j, out.w, in.w);
          for (int64_t c = 0; c < in.c; ++c) {
            const T g = in(n, c, i, j);
            out(n, c, v.first, u.first) += T((1 - v.weight) * (1 - u.weight)) * g;
            out(n, c, v.first, u.second) += T((1 - v.weight) * u.weight) * g;
            out(n, c, v.second, u.first) += T(v.weight * (1 - u.weight)) * g;
            out(n, c, v.second, u.second) += T(v.weight * u.weight) * g;
          }
        }
      }
    });
  });
}

}  // namespace cawe
