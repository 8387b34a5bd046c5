// SPDX-License-Identifier: Apache-2.0
// Nearest-neighbour resizing, the top-down step of feature pyramids (plus the lateral features), and its
// gradient.
//
// Bytes     forward: read min(N·C·h·w, N·C·H·W)·e (and N·C·H·W·e of `add`), write N·C·H·W·e. Gradient: read
//           N·C·H·W·e, write N·C·h·w·e.
// FLOPs     forward: none, or one addition per output; gradient: one addition per number of dy.
// Launch    256 threads per block, a thread for an output cell (gradient: an input cell) of one channel, or
//           of 16 bytes of channels where these lie together and are a multiple of that.
// Numerics  forward: f32 and f64 give the CPU's bits. Gradient: f32 (f64 for f64), dy in row-major order, no
//           atomics: the CPU's bits, too.
// Loads     channels-last: up to 128 bits, whole sectors. NCHW: lanes are neighbours of a row; forward: they
//           share numbers of x; gradient: lanes lie W/w numbers of dy apart, the sectors between are used by
//           the thread's next columns, from L1.
#include "cuda/kernels/cells.cuh"
#include "cuda/kernels/resize.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256;

/// Sizes of the small and the large side, and dividers by them.
struct Nearest {
  int small_h, small_w, large_h, large_w, c;
  Divider small_y, small_x, large_y, large_x;
};

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    nearest_forward(const T* __restrict__ x, const T* __restrict__ add, T* __restrict__ y, const Nearest s,
                    const Numbering by) {
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= by.count) return;
  const Cell cell = cell_of(i, by);
  const int iy = int(divide(unsigned(cell.y * s.small_h), s.large_y)),
            ix = int(divide(unsigned(cell.x * s.small_w), s.large_x));
  const int64_t from = offset_of(cell.n, iy, ix, s.small_h, s.small_w, s.c) + cell.pack * kPack;
  auto p = *reinterpret_cast<const Pack<T, kPack>*>(x + from);
  if (add != nullptr) {
    const auto more = reinterpret_cast<const Pack<T, kPack>*>(add)[i];
    for (int k = 0; k < kPack; ++k) p.v[k] = rounded<T>(widen(p.v[k]) + widen(more.v[k]));
  }
  reinterpret_cast<Pack<T, kPack>*>(y)[i] = p;
}

/// The first cell of the large side that is a copy of cell `small` or of a later one.
__device__ __forceinline__ int first_taker(int small, int large_size, int small_size, const Divider& by) {
  return int(divide(unsigned(small * large_size + small_size - 1), by));
}

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    nearest_gradient(const T* __restrict__ dy, T* __restrict__ dx, const Nearest s, const Numbering by) {
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= by.count) return;
  const Cell cell = cell_of(i, by);
  const int top = first_taker(cell.y, s.large_h, s.small_h, s.small_y),
            bottom = first_taker(cell.y + 1, s.large_h, s.small_h, s.small_y),
            left = first_taker(cell.x, s.large_w, s.small_w, s.small_x),
            right = first_taker(cell.x + 1, s.large_w, s.small_w, s.small_x);
  Accumulator<T> sum[kPack] = {};
  const T* row = dy + offset_of(cell.n, top, left, s.large_h, s.large_w, s.c) + cell.pack * kPack;
  for (int y = top; y < bottom; ++y, row += int64_t(s.large_w) * s.c) {
    const T* from = row;
#if defined(__CUDACC__)
#pragma unroll 1  // unrolled, ptxas spills registers for f64
#endif
    for (int x = left; x < right; ++x, from += s.c) {
      const auto g = *reinterpret_cast<const Pack<T, kPack>*>(from);
      for (int k = 0; k < kPack; ++k) sum[k] += widen(g.v[k]);
    }
  }
  Pack<T, kPack> out;
  for (int k = 0; k < kPack; ++k) out.v[k] = rounded<T>(sum[k]);
  reinterpret_cast<Pack<T, kPack>*>(dx)[i] = out;
}

Nearest nearest_of(const Images& small, const Images& large) {
  return {int(small.h),          int(small.w),          int(large.h),
          int(large.w),          int(small.c),          make_divider(small.h),
          make_divider(small.w), make_divider(large.h), make_divider(large.w)};
}

unsigned blocks_for(const Numbering& by) { return unsigned(ceil_div(by.count, kThreads)); }

template <class T, int kPack>
void launch_forward(const T* x, const T* add, T* y, const Images& in, const Images& out,
                    DeviceStream stream) {
  in_batches(out.n, out.numbers(), [&](int64_t first, int64_t n) {
    const Numbering by = numbering_of(n, out.h, out.w, out.c / kPack);
    const int64_t at = first * out.numbers();
    CAWE_LAUNCH((nearest_forward<T, kPack>), blocks_for(by), kThreads, 0, stream, x + first * in.numbers(),
                add == nullptr ? nullptr : add + at, y + at, nearest_of(in, out), by);
  });
}

template <class T, int kPack>
void launch_gradient(const T* dy, T* dx, const Images& out, const Images& in, DeviceStream stream) {
  in_batches(in.n, in.numbers(), [&](int64_t first, int64_t n) {
    const Numbering by = numbering_of(n, in.h, in.w, in.c / kPack);
    CAWE_LAUNCH((nearest_gradient<T, kPack>), blocks_for(by), kThreads, 0, stream, dy + first * out.numbers(),
                dx + first * in.numbers(), nearest_of(in, out), by);
  });
}

}  // namespace

void upsample_nearest(Number number, const void* x, const void* add, void* y, const Dims4& in_sizes,
                      const Dims4& out_sizes, bool channels_last, DeviceStream stream) {
  const Images in = images_of(in_sizes, channels_last), out = images_of(out_sizes, channels_last);
  if (out.n * out.numbers() == 0) return;
  CAWE_DISPATCH(number, T, {
    const T* const from = static_cast<const T*>(x);
    const T* const more = static_cast<const T*>(add);
    T* const to = static_cast<T*>(y);
    if (in_wide_packs<T>(in.c, from, more, to))
      launch_forward<T, kPerLoad<T>>(from, more, to, in, out, stream);
    else
      launch_forward<T, 1>(from, more, to, in, out, stream);
  })
}

void upsample_nearest_grad(Number number, const void* dy, void* dx, const Dims4& out_sizes,
                           const Dims4& in_sizes, bool channels_last, DeviceStream stream) {
  const Images in = images_of(in_sizes, channels_last), out = images_of(out_sizes, channels_last);
  if (in.n * in.numbers() == 0) return;
  CAWE_DISPATCH(number, T, {
    const T* const from = static_cast<const T*>(dy);
    T* const to = static_cast<T*>(dx);
    if (in_wide_packs<T>(in.c, from, to))
      launch_gradient<T, kPerLoad<T>>(from, to, out, in, stream);
    else
      launch_gradient<T, 1>(from, to, out, in, stream);
  })
}

}  // namespace CAWE_DEVICE
