// SPDX-License-Identifier: Apache-2.0
// Fills and copies in parallel chunks; images between NCHW and channels-last in blocks that fit the cache.
#include <algorithm>
#include <cstring>

#include "tensor/cpu/dense.h"
#include "tensor/cpu/fast_backend.h"

namespace cawe {
namespace {

using cpu::dense_f32;
using cpu::kGrain;
using cpu::same_strides;

/// Transposes rows x columns numbers, to[c * rows + r] = from[r * columns + c], in blocks that fit the cache.
void transpose(const float* from, int64_t rows, int64_t columns, float* to) {
  constexpr int64_t kTile = 16;
  for (int64_t r0 = 0; r0 < rows; r0 += kTile)
    for (int64_t c0 = 0; c0 < columns; c0 += kTile)
      for (int64_t r = r0; r < std::min(rows, r0 + kTile); ++r)
        for (int64_t c = c0; c < std::min(columns, c0 + kTile); ++c) to[c * rows + r] = from[r * columns + c];
}

}  // namespace

void FastBackend::fill(Tensor& y, double value) {
  if (!dense_f32(y)) return ReferenceBackend::fill(y, value);
  float* p = y.data<float>();
  parallel_for(y.numel(), kGrain * 4,
               [&](int64_t begin, int64_t end) { std::fill(p + begin, p + end, float(value)); });
}

void FastBackend::copy(const Tensor& x, Tensor& y) {
  if (x.dtype() == y.dtype() && x.is_dense() && same_strides(x, y)) {
    const size_t size = size_of(x.dtype());
    const char* from = static_cast<const char*>(x.raw());
    char* to = static_cast<char*>(y.raw());
    return parallel_for(x.numel(), kGrain * 4, [&](int64_t begin, int64_t end) {
      std::memcpy(to + size_t(begin) * size, from + size_t(begin) * size, size_t(end - begin) * size);
    });
  }
  const bool f32_image = x.dtype() == DType::f32 && y.dtype() == DType::f32 && x.rank() == 4;
  const int64_t pixels = f32_image ? x.dim(2) * x.dim(3) : 0;
  if (f32_image && x.is_contiguous() && y.is_channels_last())
    return parallel_tasks(x.dim(0), [&](int64_t n) {
      transpose(x.data<float>() + n * x.dim(1) * pixels, x.dim(1), pixels,
                y.data<float>() + n * x.dim(1) * pixels);
    });
  if (f32_image && x.is_channels_last() && y.is_contiguous())
    return parallel_tasks(x.dim(0), [&](int64_t n) {
      transpose(x.data<float>() + n * x.dim(1) * pixels, pixels, x.dim(1),
                y.data<float>() + n * x.dim(1) * pixels);
    });
  // Blocks of whole rows: slices along the first dimensions, as concatenation makes them.
  if (x.dtype() == y.dtype() && x.rank() >= 2 && x.numel() > 0) {
    const Tensor x0 = x.slice(0, 0, 1), y0 = y.slice(0, 0, 1);
    if (x0.is_dense() && same_strides(x0, y0)) {
      const size_t size = size_of(x.dtype()), bytes = size_t(x0.numel()) * size;
      return parallel_for(
          x.dim(0), std::max<int64_t>(1, kGrain * 4 / x0.numel()), [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i)
              std::memcpy(static_cast<char*>(y.raw()) + size_t(i * y.stride(0)) * size,
                          static_cast<const char*>(x.raw()) + size_t(i * x.stride(0)) * size, bytes);
          });
    }
  }
  ReferenceBackend::copy(x, y);
}

}  // namespace cawe
