// SPDX-License-Identifier: Apache-2.0
// Pixel shuffle and blur: plain loops over tensors of any strides.
#include <algorithm>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {
namespace {

/// Calls move(element of the small image, its place in the large one) for all elements of one image.
template <class T, class Move>
void each_pair(const cpu::View4<T>& small, const cpu::View4<T>& large, int64_t n, const Move& move) {
  for (int64_t c = 0; c < small.c; ++c)
    for (int64_t h = 0; h < small.h; ++h)
      for (int64_t w = 0; w < small.w; ++w)
        move(small(n, c, h, w), large(n, c / 4, 2 * h + c % 4 / 2, 2 * w + c % 2));
}

}  // namespace

void ReferenceBackend::pixel_shuffle(const Tensor& x, Tensor& y) {
  dispatch_floating("pixel_shuffle", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const cpu::View4<T> in(x), out(y);
    parallel_tasks(in.n, [&](int64_t n) { each_pair(in, out, n, [](const T& a, T& b) { b = a; }); });
  });
}

void ReferenceBackend::pixel_shuffle_grad(const Tensor& dy, Tensor& dx) {
  dispatch_floating("pixel_shuffle_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const cpu::View4<T> in(dy), out(dx);
    parallel_tasks(out.n, [&](int64_t n) { each_pair(out, in, n, [](T& a, const T& b) { a = b; }); });
  });
}

void ReferenceBackend::blur(const Tensor& x, Tensor& y) {
  dispatch_floating("blur", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const cpu::View4<T> in(x), out(y);
    parallel_tasks(in.n * in.c, [&](int64_t plane) {
      const int64_t n = plane / in.c, c = plane % in.c;
      for (int64_t h = 0; h < in.h; ++h)
        for (int64_t w = 0; w < in.w; ++w) {
          const int64_t up = std::max<int64_t>(h - 1, 0), left = std::max<int64_t>(w - 1, 0);
          out(n, c, h, w) =
              T(0.25) * ((in(n, c, up, left) + in(n, c, up, w)) + (in(n, c, h, left) + in(n, c, h, w)));
        }
    });
  });
}

void ReferenceBackend::blur_grad(const Tensor& dy, Tensor& dx) {
  dispatch_floating("blur_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const cpu::View4<T> in(dy), out(dx);
    parallel_tasks(out.n * out.c, [&](int64_t plane) {
      const int64_t n = plane / out.c, c = plane % out.c;
      // A pixel of row h is averaged into rows h and h + 1; row 0 also stands for the missing row above it.
      const auto row = [&](int64_t h, int64_t w) {
        const T here = in(n, c, h, w), right = w + 1 < in.w ? in(n, c, h, w + 1) : T(0);
        return (w == 0 ? here + here : here) + right;
      };
      for (int64_t h = 0; h < out.h; ++h)
        for (int64_t w = 0; w < out.w; ++w) {
          const T here = row(h, w), below = h + 1 < in.h ? row(h + 1, w) : T(0);
          out(n, c, h, w) = T(0.25) * ((h == 0 ? here + here : here) + below);
        }
    });
  });
}

}  // namespace cawe
