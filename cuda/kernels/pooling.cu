// SPDX-License-Identifier: Apache-2.0
// Max pooling and its gradient.
//
// Bytes     forward: read N·C·H·W·e, write (e + 4) for each window. Gradient: read (e + 4) per window,
//           write N·C·H·W·e.
// FLOPs     forward: kernel^2 comparisons per window. Gradient: one addition per window that a cell looks at.
// Launch    256 threads per block, a thread for a window (forward) or an input cell (gradient) of one
//           channel, or of 16 bytes of channels (forward also of 8, four 16-bit ones) where these lie together
//           and are a multiple of that.
// Numerics  forward: comparisons only. Gradient: f32 (f64 for f64), windows in row-major order, no atomics:
//           the CPU's bits in f32 and f64.
// Loads     Channels-last: up to 128 bits, whole sectors; a window's cells are read once for every window
//           they are in, from L1. NCHW: neighbouring windows in neighbouring lanes, `stride` numbers apart: a
//           request touches up to `stride` times the sectors that it uses; the next column of the window uses
//           the rest.
#include "cuda/kernels/cells.cuh"
#include "cuda/kernels/pooling.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256;

__device__ __forceinline__ int larger(int a, int b) { return a > b ? a : b; }
__device__ __forceinline__ int smaller(int a, int b) { return a < b ? a : b; }

struct PoolShape {
  int in_h, in_w, out_h, out_w, c;
};

/// Indices of a pack of windows; more than four by several loads or stores, each of which touches all their sectors.
template <int kPack>
struct Chosen {
  static constexpr int kStep = kPack < 4 ? kPack : 4;
  Pack<int32_t, kStep> of[kPack / kStep];
  __device__ __forceinline__ void load(const int32_t* from) {
    for (int k = 0; k < kPack / kStep; ++k) of[k] = reinterpret_cast<const Pack<int32_t, kStep>*>(from)[k];
  }
  __device__ __forceinline__ void store(int32_t* to) const {
    for (int k = 0; k < kPack / kStep; ++k) reinterpret_cast<Pack<int32_t, kStep>*>(to)[k] = of[k];
  }
  __device__ __forceinline__ int32_t& at(int k) { return of[k / kStep].v[k % kStep]; }
};

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    max_of_windows(const T* __restrict__ x, T* __restrict__ y, int32_t* __restrict__ index, const PoolShape s,
                   const PoolWindow window, const Numbering by) {
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= by.count) return;
  const Cell cell = cell_of(i, by);
  const int top = cell.y * window.stride - window.padding, left = cell.x * window.stride - window.padding;
  const T* const image = x + offset_of(cell.n, 0, 0, s.in_h, s.in_w, s.c) + cell.pack * kPack;
  Accumulator<T> best[kPack];
  Chosen<kPack> where;
  for (int k = 0; k < kPack; ++k) best[k] = 0, where.at(k) = -1;
  for (int iy = larger(top, 0); iy < smaller(top + window.kernel, s.in_h); ++iy) {
#if defined(__CUDACC__)
#pragma unroll 2  // unrolled by four, ptxas spills registers
#endif
    for (int ix = larger(left, 0); ix < smaller(left + window.kernel, s.in_w); ++ix) {
      const int at = iy * s.in_w + ix;
      const auto p = *reinterpret_cast<const Pack<T, kPack>*>(image + int64_t(at) * s.c);
      for (int k = 0; k < kPack; ++k) {
        const Accumulator<T> v = widen(p.v[k]);
        if (where.at(k) < 0 || v > best[k] || v != v) {
          best[k] = v;
          where.at(k) = at;
        }
      }
    }
  }
  Pack<T, kPack> out;
  for (int k = 0; k < kPack; ++k) out.v[k] = rounded<T>(best[k]);
  reinterpret_cast<Pack<T, kPack>*>(y)[i] = out;
  where.store(index + size_t(i) * kPack);
}

/// The windows that a cell is in, along one axis.
struct Range {
  int first, last;
};
__device__ __forceinline__ Range windows_over(int cell, const PoolWindow& window, const Divider& stride,
                                              int windows) {
  const int from = cell + window.padding - window.kernel + 1, to = cell + window.padding;
  return {from <= 0 ? 0 : int(divide(unsigned(from) + stride.divisor - 1, stride)),
          smaller(int(divide(unsigned(to), stride)), windows - 1)};
}

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    sum_of_windows(const T* __restrict__ dy, const int32_t* __restrict__ index, T* __restrict__ dx,
                   const PoolShape s, const PoolWindow window, const Divider stride, const Numbering by) {
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= by.count) return;
  const Cell cell = cell_of(i, by);
  const Range rows = windows_over(cell.y, window, stride, s.out_h),
              columns = windows_over(cell.x, window, stride, s.out_w);
  const int at = cell.y * s.in_w + cell.x;
  Accumulator<T> sum[kPack] = {};
  for (int oy = rows.first; oy <= rows.last; ++oy) {
#if defined(__CUDACC__)
#pragma unroll 1  // mostly one or two windows; unrolled, ptxas spills registers for f64
#endif
    for (int ox = columns.first; ox <= columns.last; ++ox) {
      const int64_t from = offset_of(cell.n, oy, ox, s.out_h, s.out_w, s.c) + cell.pack * kPack;
      Chosen<kPack> chosen;
      chosen.load(index + from);
      const auto g = *reinterpret_cast<const Pack<T, kPack>*>(dy + from);
      for (int k = 0; k < kPack; ++k) sum[k] += chosen.at(k) == at ? widen(g.v[k]) : Accumulator<T>(0);
    }
  }
  Pack<T, kPack> out;
  for (int k = 0; k < kPack; ++k) out.v[k] = rounded<T>(sum[k]);
  reinterpret_cast<Pack<T, kPack>*>(dx)[i] = out;
}

unsigned blocks_for(const Numbering& by) { return unsigned(ceil_div(by.count, kThreads)); }

PoolShape shape_of(const Images& in, const Images& out) {
  return {int(in.h), int(in.w), int(out.h), int(out.w), int(in.c)};
}

template <class T, int kPack>
void launch_forward(const T* x, T* y, int32_t* index, const Images& in, const Images& out,
                    const PoolWindow& window, DeviceStream stream) {
  in_batches(out.n, out.numbers(), [&](int64_t first, int64_t n) {
    const Numbering by = numbering_of(n, out.h, out.w, out.c / kPack);
    const int64_t at = first * out.numbers();
    CAWE_LAUNCH((max_of_windows<T, kPack>), blocks_for(by), kThreads, 0, stream, x + first * in.numbers(),
                y + at, index + at, shape_of(in, out), window, by);
  });
}

template <class T, int kPack>
void launch_gradient(const T* dy, const int32_t* index, T* dx, const Images& out, const Images& in,
                     const PoolWindow& window, DeviceStream stream) {
  in_batches(
      in.n, in.numbers() > out.numbers() ? in.numbers() : out.numbers(), [&](int64_t first, int64_t n) {
        const Numbering by = numbering_of(n, in.h, in.w, in.c / kPack);
        const int64_t at = first * out.numbers();
        CAWE_LAUNCH((sum_of_windows<T, kPack>), blocks_for(by), kThreads, 0, stream, dy + at, index + at,
                    dx + first * in.numbers(), shape_of(in, out), window, make_divider(window.stride), by);
      });
}

}  // namespace

void max_pool2d(Number number, const void* x, void* y, int32_t* index, const Dims4& in_sizes,
                const Dims4& out_sizes, bool channels_last, const PoolWindow& window, DeviceStream stream) {
  const Images in = images_of(in_sizes, channels_last), out = images_of(out_sizes, channels_last);
  if (out.n * out.numbers() == 0) return;
  CAWE_DISPATCH(number, T, {
    const T* const from = static_cast<const T*>(x);
    T* const to = static_cast<T*>(y);
    if (in_wide_packs<T>(in.c, from, to, index))
      launch_forward<T, kPerLoad<T>>(from, to, index, in, out, window, stream);
    else if (in_channel_packs<T>(in.c, from, to, index))
      launch_forward<T, kChannelPack<T>>(from, to, index, in, out, window, stream);
    else
      launch_forward<T, 1>(from, to, index, in, out, window, stream);
  })
}

void max_pool2d_grad(Number number, const void* dy, const int32_t* index, void* dx, const Dims4& out_sizes,
                     const Dims4& in_sizes, bool channels_last, const PoolWindow& window,
                     DeviceStream stream) {
  const Images in = images_of(in_sizes, channels_last), out = images_of(out_sizes, channels_last);
  if (in.n * in.numbers() == 0) return;
  CAWE_DISPATCH(number, T, {
    const T* const from = static_cast<const T*>(dy);
    T* const to = static_cast<T*>(dx);
    if (in_wide_packs<T>(in.c, from, to, index))
      launch_gradient<T, kPerLoad<T>>(from, index, to, out, in, window, stream);
    else
      launch_gradient<T, 1>(from, index, to, out, in, window, stream);
  })
}

}  // namespace CAWE_DEVICE
