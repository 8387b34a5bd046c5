// SPDX-License-Identifier: Apache-2.0
// Films to a network's input: plain loops, an image a task.
#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {

void ReferenceBackend::normalise_films(const Tensor& x, const NormaliseParams& p, Tensor& y) {
  if (y.dtype() != DType::f32) {
    Tensor whole = Tensor::empty(y.shape(), DType::f32, Layout::channels_last);
    normalise_films(x, p, whole);
    return copy(whole, y);
  }
  const cpu::View4<float> in(x), out(y);
  parallel_tasks(out.n, [&](int64_t i) {
    for (int64_t c = 0; c < out.c; ++c) {
      const int64_t from = in.c == 1 ? 0 : c;
      const float mean = p.mean[size_t(c)], stddev = p.stddev[size_t(c)];
      for (int64_t h = 0; h < out.h; ++h)
        for (int64_t w = 0; w < out.w; ++w) out(i, c, h, w) = (in(i, from, h, w) - mean) / stddev;
    }
  });
}

}  // namespace cawe
