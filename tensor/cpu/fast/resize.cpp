// SPDX-License-Identifier: Apache-2.0
// Nearest-neighbour resizing of channels-last f32 tensors.
#include <algorithm>
#include <cstring>

#include "tensor/cpu/fast_backend.h"
#include "tensor/cpu/pixels.h"

namespace cawe {

using cpu::is_nhwc;
using cpu::Pixels;

void FastBackend::upsample_nearest(const Tensor& x, const Tensor& add, Tensor& y) {
  if (!is_nhwc(x) || !is_nhwc(y) || (add.defined() && !is_nhwc(add)))
    return ReferenceBackend::upsample_nearest(x, add, y);
  const Pixels<float> in(x), out(y), more(add.defined() ? add : y);
  parallel_tasks(x.dim(0), [&](int64_t n) {
    for (int64_t i = 0; i < out.h; ++i)
      for (int64_t j = 0; j < out.w; ++j) {
        const float *from = in(n, i * in.h / out.h, j * in.w / out.w), *plus = more(n, i, j);
        float* to = out(n, i, j);
        if (add.defined())
          for (int64_t c = 0; c < out.c; ++c) to[c] = from[c] + plus[c];
        else
          std::memcpy(to, from, size_t(out.c) * sizeof(float));
      }
  });
}

void FastBackend::upsample_nearest_grad(const Tensor& dy, Tensor& dx) {
  if (!is_nhwc(dy) || !is_nhwc(dx)) return ReferenceBackend::upsample_nearest_grad(dy, dx);
  const Pixels<float> in(dy), out(dx);
  parallel_tasks(dx.dim(0), [&](int64_t n) {
    std::fill(out(n, 0, 0), out(n, 0, 0) + out.h * out.w * out.c, 0.0f);
    for (int64_t i = 0; i < in.h; ++i)
      for (int64_t j = 0; j < in.w; ++j) {
        const float* g = in(n, i, j);
        float* to = out(n, i * out.h / in.h, j * out.w / in.w);
        for (int64_t c = 0; c < in.c; ++c) to[c] += g[c];
      }
  });
}

}  // namespace cawe
