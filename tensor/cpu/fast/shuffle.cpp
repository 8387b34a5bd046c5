// SPDX-License-Identifier: Apache-2.0
// Pixel shuffle and blur on channels-last f32 tensors, a row of pixels a task.
#include <cstring>

#include "tensor/cpu/fast_backend.h"
#include "tensor/cpu/pixels.h"

namespace cawe {

using cpu::is_nhwc;
using cpu::Pixels;

void FastBackend::pixel_shuffle(const Tensor& x, Tensor& y) {
  if (!is_nhwc(x) || !is_nhwc(y)) return ReferenceBackend::pixel_shuffle(x, y);
  const Pixels<float> in(x), out(y);
  parallel_tasks(x.dim(0) * in.h, [&](int64_t task) {
    const int64_t n = task / in.h, h = task % in.h;
    for (int64_t w = 0; w < in.w; ++w) {
      const float* from = in(n, h, w);
      float *upper = out(n, 2 * h, 2 * w), *lower = out(n, 2 * h + 1, 2 * w);
      for (int64_t c = 0; c < out.c; ++c) {
        upper[c] = from[4 * c];
        upper[out.c + c] = from[4 * c + 1];
        lower[c] = from[4 * c + 2];
        lower[out.c + c] = from[4 * c + 3];
      }
    }
  });
}

void FastBackend::pixel_shuffle_grad(const Tensor& dy, Tensor& dx) {
  if (!is_nhwc(dy) || !is_nhwc(dx)) return ReferenceBackend::pixel_shuffle_grad(dy, dx);
  const Pixels<float> in(dy), out(dx);
  parallel_tasks(dx.dim(0) * out.h, [&](int64_t task) {
    const int64_t n = task / out.h, h = task % out.h;
    for (int64_t w = 0; w < out.w; ++w) {
      const float *upper = in(n, 2 * h, 2 * w), *lower = in(n, 2 * h + 1, 2 * w);
      float* to = out(n, h, w);
      for (int64_t c = 0; c < in.c; ++c) {
        to[4 * c] = upper[c];
        to[4 * c + 1] = upper[in.c + c];
        to[4 * c + 2] = lower[c];
        to[4 * c + 3] = lower[in.c + c];
      }
    }
  });
}

void FastBackend::blur(const Tensor& x, Tensor& y) {
  if (!is_nhwc(x) || !is_nhwc(y)) return ReferenceBackend::blur(x, y);
  const Pixels<float> in(x), out(y);
  parallel_tasks(x.dim(0) * in.h, [&](int64_t task) {
    const int64_t n = task / in.h, h = task % in.h, up = h > 0 ? h - 1 : 0;
    for (int64_t w = 0; w < in.w; ++w) {
      const int64_t left = w > 0 ? w - 1 : 0;
      const float *a = in(n, up, left), *b = in(n, up, w), *c = in(n, h, left), *d = in(n, h, w);
      float* to = out(n, h, w);
      for (int64_t k = 0; k < in.c; ++k) to[k] = 0.25f * ((a[k] + b[k]) + (c[k] + d[k]));
    }
  });
}

void FastBackend::blur_grad(const Tensor& dy, Tensor& dx) {
  if (!is_nhwc(dy) || !is_nhwc(dx)) return ReferenceBackend::blur_grad(dy, dx);
  const Pixels<float> in(dy), out(dx);
  parallel_tasks(dx.dim(0) * out.h, [&](int64_t task) {
    const int64_t n = task / out.h, h = task % out.h;
    const float here_rows = h == 0 ? 0.5f : 0.25f;
    for (int64_t w = 0; w < out.w; ++w) {
      float* to = out(n, h, w);
      // Row 0 and column 0 are read twice by the outputs there.
      const auto add = [&](int64_t y, int64_t x, float weight, bool is_first) {
        const float* g = in(n, y, x);
        if (is_first)
          for (int64_t k = 0; k < out.c; ++k) to[k] = weight * g[k];
        else
          for (int64_t k = 0; k < out.c; ++k) to[k] += weight * g[k];
      };
      const float twice = w == 0 ? 2.0f : 1.0f;
      add(h, w, here_rows * twice, true);
      if (w + 1 < out.w) add(h, w + 1, here_rows, false);
      if (h + 1 == out.h) continue;
      add(h + 1, w, 0.25f * twice, false);
      if (w + 1 < out.w) add(h + 1, w + 1, 0.25f, false);
    }
  });
}

}  // namespace cawe
