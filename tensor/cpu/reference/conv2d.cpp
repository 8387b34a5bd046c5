// SPDX-License-Identifier: Apache-2.0
// Convolutions: plain loops. Every sum is taken in the order of its indices; the innermost loop runs over the
// channels of many sums at once, so that the compiler can use vectors without reordering any of them.
#include <algorithm>
#include <vector>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {
namespace {

using cpu::add_scaled;
using cpu::View4;

/// Along one axis, the outputs [begin, end) for which one tap of the kernel is on the input, not its padding.
struct Inside {
  Inside(int64_t outputs, int64_t inputs, const Conv2dParams& p, int64_t tap)
      : stride(p.stride), shift(tap * p.dilation - p.padding) {
    const auto outputs_before = [&](int64_t input) {
      return input <= shift ? 0 : std::min(outputs, (input - shift + stride - 1) / stride);
    };
    begin = outputs_before(0);
    end = std::max(begin, outputs_before(inputs));
  }
  int64_t input(int64_t output) const { return output * stride + shift; }
  int64_t stride, shift, begin, end;
};

}  // namespace

void ReferenceBackend::conv2d(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dParams& p,
                              bool relu, Tensor& y) {
  dispatch_floating("conv2d", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor taps = w.permute({2, 3, 1, 0}).contiguous();  // [kh, kw, C / groups, O]
    const View4<T> vx(x), vw(taps), vy(y);
    const int64_t kh = vw.n, kw = vw.c, channels = vw.h, outputs = vy.c, per_group = outputs / p.groups;
    parallel_tasks(vy.n * vy.h, [&](int64_t task) {
      const int64_t n = task / vy.h, oy = task % vy.h;
      std::vector<T> sums(size_t(vy.w * outputs), T(0));
      if (bias.defined())
        for (size_t i = 0; i < sums.size(); ++i)
          sums[i] = bias.data<T>()[int64_t(i) % outputs * bias.stride(0)];
      for (int64_t i = 0; i < p.groups * channels; ++i)
        for (int64_t ky = 0; ky < kh; ++ky) {
          const Inside rows(vy.h, vx.h, p, ky);
          if (oy < rows.begin || oy >= rows.end) continue;
          const int64_t first = i / channels * per_group;
          for (int64_t kx = 0; kx < kw; ++kx) {
            const Inside columns(vy.w, vx.w, p, kx);
            for (int64_t ox = columns.begin; ox < columns.end; ++ox)
              add_scaled(per_group, vx(n, i, rows.input(oy), columns.input(ox)),
                         &vw(ky, kx, i % channels, first), sums.data() + ox * outputs + first);
          }
        }
      for (int64_t ox = 0; ox < vy.w; ++ox)
        for (int64_t o = 0; o < outputs; ++o) {
          const T sum = sums[size_t(ox * outputs + o)];
          vy(n, o, oy, ox) = relu && sum < T(0) ? T(0) : sum;
        }
    });
  });
}

void ReferenceBackend::conv2d_grad_input(const Tensor& dy, const Tensor& w, const Conv2dParams& p,
                                         Tensor& dx) {
  dispatch_floating("conv2d_grad_input", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor taps = w.permute({2, 3, 0, 1}).contiguous();  // [kh, kw, O, C / groups]
    const View4<T> vd(dy), vw(taps), vx(dx);
    const int64_t kh = vw.n, kw = vw.c, outputs = vw.h, per_group = outputs / p.groups, channels = vw.w;
    parallel_tasks(vx.n * vx.h, [&](int64_t task) {
      const int64_t n = task / vx.h, iy = task % vx.h;
      std::vector<T> sums(size_t(vx.w * vx.c), T(0));
      for (int64_t o = 0; o < outputs; ++o)
        for (int64_t ky = 0; ky < kh; ++ky) {
          const Inside rows(vd.h, vx.h, p, ky);
          const int64_t oy = (iy - rows.shift) / p.stride, first = o / per_group * channels;
          if (oy < rows.begin || oy >= rows.end || rows.input(oy) != iy) continue;
          for (int64_t kx = 0; kx < kw; ++kx) {
            const Inside columns(vd.w, vx.w, p, kx);
            for (int64_t ox = columns.begin; ox < columns.end; ++ox)
              add_scaled(channels, vd(n, o, oy, ox), &vw(ky, kx, o, 0),
                         sums.data() + columns.input(ox) * vx.c + first);
          }
        }
      for (int64_t ix = 0; ix < vx.w; ++ix)
        for (int64_t i = 0; i < vx.c; ++i) vx(n, i, iy, ix) = sums[size_t(ix * vx.c + i)];
    });
  });
}

void ReferenceBackend::conv2d_grad_weight(const Tensor& x, const Tensor& dy, const Conv2dParams& p,
                                          Tensor& dw, Tensor& dbias) {
  dispatch_floating("conv2d_grad_weight", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor outputs_last = dy.permute({0, 2, 3, 1}).contiguous();
    const View4<T> vx(x), vd(outputs_last);
    const int64_t height = dy.dim(2), width = dy.dim(3), outputs = dw.dim(0), channels = dw.dim(1),
                  kh = dw.dim(2), kw = dw.dim(3), per_group = outputs / p.groups, weights = dw.numel();
    // The weights' sums as [groups, C / groups, kh, kw, O / groups], then those of the bias.
    const auto images = [&](int64_t, int64_t begin, int64_t end, T* partial) {
      std::fill(partial, partial + weights + outputs, T(0));
      T* tap = partial;
      for (int64_t i = 0; i < p.groups * channels; ++i)
        for (int64_t ky = 0; ky < kh; ++ky)
          for (int64_t kx = 0; kx < kw; ++kx, tap += per_group) {
            const Inside rows(height, vx.h, p, ky), columns(width, vx.w, p, kx);
            const int64_t first = i / channels * per_group;
            for (int64_t n = begin; n < end; ++n)
              for (int64_t oy = rows.begin; oy < rows.end; ++oy)
                for (int64_t ox = columns.begin; ox < columns.end; ++ox)
                  add_scaled(per_group, vx(n, i, rows.input(oy), columns.input(ox)), &vd(n, oy, ox, first),
                             tap);
          }
      for (int64_t n = begin; n < end; ++n)
        for (int64_t oy = 0; oy < height; ++oy)
          for (int64_t ox = 0; ox < width; ++ox) add_scaled(outputs, T(1), &vd(n, oy, ox, 0), tap);
    };
    Tensor sums = Tensor::empty({weights + outputs}, x.dtype());
    lane_sum<T>(lane_plan(x.dim(0)), sums.numel(), sums.data<T>(), images);
    const Tensor taps = sums.slice(0, 0, weights).reshape({p.groups, channels, kh, kw, per_group});
    copy(taps.permute({0, 4, 1, 2, 3}).contiguous().reshape(dw.shape()), dw);
    if (dbias.defined()) copy(sums.slice(0, weights, weights + outputs), dbias);
  });
}

}  // namespace cawe
