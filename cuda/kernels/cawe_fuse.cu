// SPDX-License-Identifier: Apache-2.0
// Fusion of an image with its attention map, y = x (alpha + (1 - alpha) m): with an image-sized map, and
// with the small map, up-sampled and stretched on the way. Source: the paper's Eq. 7; up-sampling and
// stretching as tensor/cpu and models/cawe.cpp do them.
//
// Bytes     fuse: read N·C·H·W·e + N·H·W·e, write N·C·H·W·e. Enhance: the image in and out, 2·N·C·H·W·e, and
//           4·N·h·w of the small map; the image-sized map is never stored.
// FLOPs     fuse 2C + 1 per pixel. Enhance 2C + 8 per pixel, and 6 for each column of a strip of rows.
// Launch    fuse NCHW: a thread for a pack of pixels in all channels; NHWC: a thread for a number. Enhance:
//           block (32, 8); a lane for a pack of columns, a warp for 4 rows.
// Numerics  the CPU's roundings, never contracted: f32 and f64 equal it bit by bit, and the stretched map
//           reaches exactly 0 and 1. 16-bit images are fused in f32 and rounded once.
// Loads     128 bits where pixels (fuse) or columns (enhance, not f64) are a multiple of what one load holds.
//           In NHWC each channel asks for its pixel's map value: 2 sectors for 8 of the image.
#include "cuda/kernels/cawe_fuse.h"

#include "cuda/emulator/simt/simt.cuh"

#include "cuda/kernels/bilinear.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kRows = 4;

/// alpha and 1 - alpha in the type that is computed in.
template <class A>
struct Blend {
  A alpha, rest;
  __device__ __forceinline__ A factor(A map) const { return add_rn(alpha, mul_rn(rest, map)); }
};
template <class A>
Blend<A> blend_of(double alpha) {
  return {A(alpha), A(1) - A(alpha)};
}

/// x, y [n, c, cells]; map [n, cells].
template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    fuse_planes(const T* __restrict__ x, const T* __restrict__ map, T* __restrict__ y, int channels,
                int64_t cells, Blend<Accumulator<T>> blend) {
  using Packed = Pack<T, kPack>;
  const int64_t cell = (int64_t(blockIdx.x) * kThreads + int(threadIdx.x)) * kPack;
  if (cell >= cells) return;
  const size_t image = blockIdx.y;
  const Packed m = *reinterpret_cast<const Packed*>(map + image * cells + cell);
  Accumulator<T> factor[kPack];
  for (int k = 0; k < kPack; ++k) factor[k] = blend.factor(widen(m.v[k]));
  // Counted in packs: with an offset in numbers for each channel, nvcc makes a store for each number of a pack.
  const Packed* from = reinterpret_cast<const Packed*>(x + image * channels * cells + cell);
  Packed* to = reinterpret_cast<Packed*>(y + image * channels * cells + cell);
  const int64_t packs = cells / kPack;
  for (int c = 0; c < channels; ++c, from += packs, to += packs) {
    const Packed p = *from;
    Packed out;
    for (int k = 0; k < kPack; ++k) out.v[k] = rounded<T>(mul_rn(widen(p.v[k]), factor[k]));
    *to = out;
  }
}

/// x, y [pixels, c]; map [pixels].
template <class T>
__global__ void __launch_bounds__(kThreads)
    fuse_pixels(const T* __restrict__ x, const T* __restrict__ map, T* __restrict__ y, int channels,
                int64_t numbers, Blend<Accumulator<T>> blend) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + int(threadIdx.x);
  if (i >= numbers) return;
  y[i] = rounded<T>(mul_rn(widen(x[i]), blend.factor(widen(map[i / channels]))));
}

/// The small map, and the range by which an image's map is stretched.
template <class A>
struct Stretch {
  const A *map, *low, *high;
  const int32_t* constant;
  A fill;
  Scale y, x;
};

/// Between two rows of the small map: what it has at kPack neighbouring columns.
template <class A, int kPack>
struct Strip {
  A top[kPack], bottom[kPack];
  __device__ __forceinline__ void load(const A* map, const Scale& x, const Tap<A>& row, int first_column) {
    const A *upper = map + size_t(row.first) * x.in, *lower = map + size_t(row.second) * x.in;
    A a = 0, b = 0, c = 0, d = 0;
    int loaded = -1;
    for (int k = 0; k < kPack; ++k) {
      const Tap<A> column = tap_at<A>(first_column + k, x);
      if (column.first != loaded) {
        a = upper[column.first], b = upper[column.second];
        c = lower[column.first], d = lower[column.second];
      }
      loaded = column.first;
      top[k] = mix(column, a, b);
      bottom[k] = mix(column, c, d);
    }
  }
};

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    upsample_and_fuse(const T* __restrict__ x, T* __restrict__ y, int channels, Stretch<Accumulator<T>> s,
                      Blend<Accumulator<T>> blend) {
  using A = Accumulator<T>;
  using Packed = Pack<T, kPack>;
  const int first_column = (int(blockIdx.x) * 32 + int(threadIdx.x)) * kPack;
  const int first_row = (int(blockIdx.y) * (kThreads / 32) + int(threadIdx.y)) * kRows;
  const int end_row = first_row + kRows < s.y.out ? first_row + kRows : s.y.out;
  if (first_column >= s.x.out) return;
  const int image = int(blockIdx.z);
  const A* map = s.map + size_t(image) * s.y.in * s.x.in;
  const A low = s.low[image], range = sub_rn(s.high[image], low);
  const bool constant = s.constant[image] != 0;
  Strip<A, kPack> strip;
  int loaded = -1;
  for (int r = first_row; r < end_row; ++r) {
    const Tap<A> row = tap_at<A>(r, s.y);
    if (row.first != loaded) strip.load(map, s.x, row, first_column);
    loaded = row.first;
    A factor[kPack];
    for (int k = 0; k < kPack; ++k) {
      const A shifted = sub_rn(mix(row, strip.top[k], strip.bottom[k]), low);
      factor[k] = blend.factor(constant ? s.fill : div_rn(shifted, range));
    }
    for (int c = 0; c < channels; ++c) {
      const size_t at = ((size_t(image) * channels + c) * s.y.out + r) * s.x.out + first_column;
      const Packed p = *reinterpret_cast<const Packed*>(x + at);
      Packed out;
      for (int k = 0; k < kPack; ++k) out.v[k] = rounded<T>(mul_rn(widen(p.v[k]), factor[k]));
      *reinterpret_cast<Packed*>(y + at) = out;
    }
  }
}

bool aligned(const void* a, const void* b, const void* c = nullptr) {
  return (reinterpret_cast<uintptr_t>(a) | reinterpret_cast<uintptr_t>(b) | reinterpret_cast<uintptr_t>(c)) %
             16 ==
         0;
}

unsigned blocks(int64_t n, int64_t of_block) { return unsigned((n + of_block - 1) / of_block); }

template <class T, int kPack>
void launch_planes(const T* x, const T* map, T* y, Dims4 d, double alpha, DeviceStream stream) {
  const dim3 grid(blocks(d.h * d.w, int64_t{kThreads} * kPack), unsigned(d.n));
  CAWE_LAUNCH((fuse_planes<T, kPack>), grid, kThreads, 0, stream, x, map, y, int(d.c), d.h * d.w,
              blend_of<Accumulator<T>>(alpha));
}

template <class T, int kPack>
void launch_enhance(const T* x, T* y, Dims4 d, const Stretch<Accumulator<T>>& s, double alpha,
                    DeviceStream stream) {
  const dim3 block(32, kThreads / 32);
  const dim3 grid(blocks(d.w, 32 * kPack), blocks(d.h, kThreads / 32 * kRows), unsigned(d.n));
  CAWE_LAUNCH((upsample_and_fuse<T, kPack>), grid, block, 0, stream, x, y, int(d.c), s,
              blend_of<Accumulator<T>>(alpha));
}

}  // namespace

void cawe_fuse(Number number, const void* x, const void* map, double alpha, void* y, Dims4 image,
               bool channels_last, DeviceStream stream) {
  const int64_t cells = image.h * image.w, numbers = image.n * image.c * cells;
  if (numbers == 0) return;
  CAWE_DISPATCH(number, T, {
    const auto *in = static_cast<const T*>(x), *m = static_cast<const T*>(map);
    auto* out = static_cast<T*>(y);
    if (channels_last && image.c > 1)
      CAWE_LAUNCH(fuse_pixels<T>, blocks(numbers, kThreads), kThreads, 0, stream, in, m, out, int(image.c),
                  numbers, blend_of<Accumulator<T>>(alpha));
    else if (cells % kPerLoad<T> == 0 && aligned(x, map, y))
      launch_planes<T, kPerLoad<T>>(in, m, out, image, alpha, stream);
    else
      launch_planes<T, 1>(in, m, out, image, alpha, stream);
  })
}

void cawe_enhance(Number number, const void* x, const void* map, const MapRange& range, double alpha,
                  double fill, void* y, Dims4 image, int64_t map_h, int64_t map_w, DeviceStream stream) {
  if (image.n * image.c * image.h * image.w == 0) return;
  CAWE_DISPATCH(number, T, {
    using A = Accumulator<T>;
    const Stretch<A> s{static_cast<const A*>(map),
                       static_cast<const A*>(range.low),
                       static_cast<const A*>(range.high),
                       range.constant,
                       A(fill),
                       scale_of(map_h, image.h),
                       scale_of(map_w, image.w)};
    const auto* in = static_cast<const T*>(x);
    // Two columns of f64 need more registers than there are.
    constexpr int kColumns = sizeof(T) == 8 ? 1 : kPerLoad<T>;
    if (image.w % kColumns == 0 && aligned(x, y))
      launch_enhance<T, kColumns>(in, static_cast<T*>(y), image, s, alpha, stream);
    else
      launch_enhance<T, 1>(in, static_cast<T*>(y), image, s, alpha, stream);
  })
}

}  // namespace CAWE_DEVICE
