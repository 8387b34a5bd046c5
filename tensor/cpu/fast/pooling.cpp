// SPDX-License-Identifier: Apache-2.0
// Pooling of channels-last f32 tensors.
#include <algorithm>
#include <cstring>
#include <vector>

#include "tensor/cpu/fast_backend.h"
#include "tensor/cpu/pixels.h"

namespace cawe {

using cpu::is_nhwc;
using cpu::Pixels;

void FastBackend::max_pool2d(const Tensor& x, const Pool2dParams& p, Tensor& y, Tensor& index) {
  if (!is_nhwc(x) || !is_nhwc(y) || !is_nhwc(index, DType::i32))
    return ReferenceBackend::max_pool2d(x, p, y, index);
  const Pixels<float> in(x), out(y);
  const Pixels<int32_t> chosen(index);
  parallel_tasks(x.dim(0) * out.h, [&](int64_t task) {
    const int64_t n = task / out.h, oy = task % out.h, c_end = out.c;
    for (int64_t ox = 0; ox < out.w; ++ox) {
      float* best = out(n, oy, ox);
      int32_t* where = chosen(n, oy, ox);
      bool first = true;
      for (int64_t iy = std::max<int64_t>(0, oy * p.stride - p.padding);
           iy < std::min(in.h, oy * p.stride - p.padding + p.kernel); ++iy)
        for (int64_t ix = std::max<int64_t>(0, ox * p.stride - p.padding);
             ix < std::min(in.w, ox * p.stride - p.padding + p.kernel); ++ix) {
          const float* v = in(n, iy, ix);
          const int32_t at = int32_t(iy * in.w + ix);
          if (first) {
            std::memcpy(best, v, size_t(c_end) * sizeof(float));
            std::fill(where, where + c_end, at);
            first = false;
            continue;
          }
          for (int64_t c = 0; c < c_end; ++c) {
            const bool larger = v[c] > best[c] || v[c] != v[c];
            best[c] = larger ? v[c] : best[c];
            where[c] = larger ? at : where[c];
          }
        }
    }
  });
}

void FastBackend::max_pool2d_grad(const Tensor& dy, const Tensor& index, const Pool2dParams& p, Tensor& dx) {
  if (!is_nhwc(dy) || !is_nhwc(dx) || !is_nhwc(index, DType::i32))
    return ReferenceBackend::max_pool2d_grad(dy, index, p, dx);
  const Pixels<float> in(dy), out(dx);
  const Pixels<int32_t> chosen(index);
  parallel_tasks(dx.dim(0), [&](int64_t n) {
    std::fill(out(n, 0, 0), out(n, 0, 0) + out.h * out.w * out.c, 0.0f);
    float* image = out(n, 0, 0);
    for (int64_t i = 0; i < in.h; ++i)
      for (int64_t j = 0; j < in.w; ++j) {
        const float* g = in(n, i, j);
        const int32_t* where = chosen(n, i, j);
        for (int64_t c = 0; c < in.c; ++c) image[int64_t(where[c]) * in.c + c] += g[c];
      }
  });
}

void FastBackend::global_avg_pool(const Tensor& x, Tensor& y) {
  if (!is_nhwc(x) || !y.is_contiguous()) return ReferenceBackend::global_avg_pool(x, y);
  const Pixels<float> in(x);
  parallel_tasks(x.dim(0), [&](int64_t n) {
    std::vector<double> sum(size_t(in.c), 0.0);
    for (int64_t i = 0; i < in.h * in.w; ++i) {
      const float* v = in(n, 0, 0) + i * in.c;
      for (int64_t c = 0; c < in.c; ++c) sum[size_t(c)] += double(v[c]);
    }
    for (int64_t c = 0; c < in.c; ++c)
      y.data<float>()[n * in.c + c] = float(sum[size_t(c)] / double(in.h * in.w));
  });
}

void FastBackend::global_avg_pool_grad(const Tensor& dy, Tensor& dx) {
  if (!is_nhwc(dx) || !dy.is_contiguous()) return ReferenceBackend::global_avg_pool_grad(dy, dx);
  const Pixels<float> out(dx);
  parallel_tasks(dx.dim(0), [&](int64_t n) {
    const float* g = dy.data<float>() + n * out.c;
    const float cells = float(out.h * out.w);
    for (int64_t i = 0; i < out.h * out.w; ++i)
      for (int64_t c = 0; c < out.c; ++c) out(n, 0, 0)[i * out.c + c] = g[c] / cells;
  });
}

}  // namespace cawe
