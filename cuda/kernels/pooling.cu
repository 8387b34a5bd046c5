// SPDX-License-Identifier: Apache-2.0
// Max pooling and its gradient.
//
// Bytes     forward: read N·C·H·W·e, write (e + 4) for each window. Gradient: read (e + 4 + 4) per window
//           (its index twice), write N·C·H·W·e.
// FLOPs     forward: kernel^2 comparisons per window. Gradient: one addition per window that a cell looks at.
// Launch    256 threads per block, a thread for a window (forward) or an input cell (gradient) of one
//           channel, or of up to four (gradient: 16 bytes of channels) where these lie together and are a
//           multiple of that. The gradient takes three launches: how far chosen cells lie from their windows (one to 512 blocks), the
//           extremes of that (one block), the sums.
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

constexpr int kThreads = 256, kOffsetBlocks = 512;
constexpr int kMostInt = 0x7fffffff;

__device__ __forceinline__ int larger(int a, int b) { return a > b ? a : b; }
__device__ __forceinline__ int smaller(int a, int b) { return a < b ? a : b; }

struct PoolShape {
  int in_h, in_w, out_h, out_w, c;
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
  Pack<int32_t, kPack> where;
  for (int k = 0; k < kPack; ++k) best[k] = 0, where.v[k] = -1;
  for (int iy = larger(top, 0); iy < smaller(top + window.kernel, s.in_h); ++iy) {
#if defined(__CUDACC__)
#pragma unroll 2  // unrolled by four, ptxas spills registers
#endif
    for (int ix = larger(left, 0); ix < smaller(left + window.kernel, s.in_w); ++ix) {
      const int at = iy * s.in_w + ix;
      const auto p = *reinterpret_cast<const Pack<T, kPack>*>(image + int64_t(at) * s.c);
      for (int k = 0; k < kPack; ++k) {
        const Accumulator<T> v = widen(p.v[k]);
        if (where.v[k] < 0 || v > best[k] || v != v) {
          best[k] = v;
          where.v[k] = at;
        }
      }
    }
  }
  Pack<T, kPack> out;
  for (int k = 0; k < kPack; ++k) out.v[k] = rounded<T>(best[k]);
  reinterpret_cast<Pack<T, kPack>*>(y)[i] = out;
  reinterpret_cast<Pack<int32_t, kPack>*>(index)[i] = where;
}

/// Chosen cell minus `stride` times window: the smallest and the largest value over all windows. They bound
/// which windows may have chosen a cell.
struct alignas(16) ChosenOffsets {
  int low_y = kMostInt, high_y = -kMostInt, low_x = kMostInt, high_x = -kMostInt;

  __device__ __forceinline__ void add(const ChosenOffsets& o) {
    low_y = smaller(low_y, o.low_y);
    high_y = larger(high_y, o.high_y);
    low_x = smaller(low_x, o.low_x);
    high_x = larger(high_x, o.high_x);
  }
};
static_assert(sizeof(ChosenOffsets) == 4 * sizeof(int32_t), "kept in the caller's integers");

/// Reduces over the block; thread 0 gets the result.
__device__ __forceinline__ ChosenOffsets of_block(const ChosenOffsets& mine) {
  __shared__ int partial[4][32];
  ChosenOffsets all;
  all.low_y = block_reduce(mine.low_y, Min{}, kMostInt, partial[0]);
  all.high_y = block_reduce(mine.high_y, Max{}, -kMostInt, partial[1]);
  all.low_x = block_reduce(mine.low_x, Min{}, kMostInt, partial[2]);
  all.high_x = block_reduce(mine.high_x, Max{}, -kMostInt, partial[3]);
  return all;
}

/// The stride of the windows. The bounds hold for any assumed stride, and are tight for the true one.
struct Spacing {
  Divider y, x;
};

template <int kPack>
__global__ void __launch_bounds__(kThreads)
    chosen_offsets(const int32_t* __restrict__ index, ChosenOffsets* __restrict__ of_blocks,
                   const Divider in_w, const Spacing stride, const Numbering by) {
  ChosenOffsets mine;
  for (unsigned i = blockIdx.x * kThreads + threadIdx.x; i < by.count; i += gridDim.x * kThreads) {
    const Cell window = cell_of(i, by);
    const auto chosen = reinterpret_cast<const Pack<int32_t, kPack>*>(index)[i];
    for (int k = 0; k < kPack; ++k) {
      if (chosen.v[k] < 0) continue;
      const int y = int(divide(unsigned(chosen.v[k]), in_w)), x = chosen.v[k] - y * int(in_w.divisor);
      const int off_y = y - window.y * int(stride.y.divisor), off_x = x - window.x * int(stride.x.divisor);
      ChosenOffsets one;
      one.low_y = one.high_y = off_y;
      one.low_x = one.high_x = off_x;
      mine.add(one);
    }
  }
  const ChosenOffsets all = of_block(mine);
  if (threadIdx.x == 0) of_blocks[blockIdx.x] = all;
}

__global__ void __launch_bounds__(kThreads)
    all_offsets(const ChosenOffsets* __restrict__ of_blocks, ChosenOffsets* __restrict__ result, int blocks) {
  ChosenOffsets mine;
  for (int i = int(threadIdx.x); i < blocks; i += kThreads) mine.add(of_blocks[i]);
  ChosenOffsets all = of_block(mine);
  if (all.low_y > all.high_y) all.low_y = all.high_y = all.low_x = all.high_x = 0;  // no window chose a cell
  if (threadIdx.x == 0) *result = all;
}

/// The windows that may have chosen a cell.
struct Range {
  int first, last;
};
__device__ __forceinline__ Range windows_over(int cell, int low, int high, const Divider& stride,
                                              int windows) {
  const int from = cell - high, to = cell - low;
  return {from <= 0 ? 0 : int(divide(unsigned(from) + stride.divisor - 1, stride)),
          to < 0 ? -1 : smaller(int(divide(unsigned(to), stride)), windows - 1)};
}

/// Indices of a pack of windows; more than four by several loads, each of which touches all their sectors.
template <int kPack>
struct Chosen {
  static constexpr int kStep = kPack < 4 ? kPack : 4;
  Pack<int32_t, kStep> of[kPack / kStep];
  __device__ __forceinline__ explicit Chosen(const int32_t* from) {
    for (int k = 0; k < kPack / kStep; ++k) of[k] = reinterpret_cast<const Pack<int32_t, kStep>*>(from)[k];
  }
  __device__ __forceinline__ int32_t at(int k) const { return of[k / kStep].v[k % kStep]; }
};

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    sum_of_windows(const T* __restrict__ dy, const int32_t* __restrict__ index, T* __restrict__ dx,
                   const ChosenOffsets* __restrict__ offsets, const PoolShape s, const Spacing stride,
                   const Numbering by) {
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= by.count) return;
  const Cell cell = cell_of(i, by);
  const ChosenOffsets o = *offsets;
  const Range rows = windows_over(cell.y, o.low_y, o.high_y, stride.y, s.out_h),
              columns = windows_over(cell.x, o.low_x, o.high_x, stride.x, s.out_w);
  const int at = cell.y * s.in_w + cell.x;
  Accumulator<T> sum[kPack] = {};
  for (int oy = rows.first; oy <= rows.last; ++oy) {
#if defined(__CUDACC__)
#pragma unroll 1  // mostly one or two windows; unrolled, ptxas spills registers for f64
#endif
    for (int ox = columns.first; ox <= columns.last; ++ox) {
      const int64_t window = offset_of(cell.n, oy, ox, s.out_h, s.out_w, s.c) + cell.pack * kPack;
      const Chosen<kPack> chosen(index + window);
      const auto g = *reinterpret_cast<const Pack<T, kPack>*>(dy + window);
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

/// The stride that the sizes suggest; the true one is not known here.
Divider likely_stride(int64_t in, int64_t out) {
  return make_divider(in > out ? (2 * in + out) / (2 * out) : 1);
}

template <class T, int kPack>
void launch_gradient(const T* dy, const int32_t* index, T* dx, ChosenOffsets* scratch, const Images& out,
                     const Images& in, DeviceStream stream) {
  constexpr int kIndices = Chosen<kPack>::kStep;
  const Spacing stride{likely_stride(in.h, out.h), likely_stride(in.w, out.w)};
  in_batches(
      in.n, in.numbers() > out.numbers() ? in.numbers() : out.numbers(), [&](int64_t first, int64_t n) {
        const Numbering windows = numbering_of(n, out.h, out.w, out.c / kIndices),
                        cells = numbering_of(n, in.h, in.w, in.c / kPack);
        const T* const g = dy + first * out.numbers();
        const int32_t* const chosen = index + first * out.numbers();
        const unsigned needed = blocks_for(windows), blocks = needed < kOffsetBlocks ? needed : kOffsetBlocks;
        CAWE_LAUNCH(chosen_offsets<kIndices>, blocks, kThreads, 0, stream, chosen, scratch + 1,
                    make_divider(in.w), stride, windows);
        CAWE_LAUNCH(all_offsets, 1, kThreads, 0, stream, scratch + 1, scratch, int(blocks));
        CAWE_LAUNCH((sum_of_windows<T, kPack>), blocks_for(cells), kThreads, 0, stream, g, chosen,
                    dx + first * in.numbers(), scratch, shape_of(in, out), stride, cells);
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
    if (in_channel_packs<T>(in.c, from, to, index))
      launch_forward<T, kChannelPack<T>>(from, to, index, in, out, window, stream);
    else
      launch_forward<T, 1>(from, to, index, in, out, window, stream);
  })
}

int64_t max_pool2d_grad_scratch() {
  return int64_t(sizeof(ChosenOffsets) / sizeof(int32_t)) * (kOffsetBlocks + 1);
}

void max_pool2d_grad(Number number, const void* dy, const int32_t* index, void* dx, int32_t* scratch,
                     const Dims4& out_sizes, const Dims4& in_sizes, bool channels_last, DeviceStream stream) {
  const Images in = images_of(in_sizes, channels_last), out = images_of(out_sizes, channels_last);
  if (in.n * in.numbers() == 0) return;
  auto* const offsets = reinterpret_cast<ChosenOffsets*>(scratch);
  CAWE_DISPATCH(number, T, {
    const T* const from = static_cast<const T*>(dy);
    T* const to = static_cast<T*>(dx);
    if (in_wide_packs<T>(in.c, from, to, index))
      launch_gradient<T, kPerLoad<T>>(from, index, to, offsets, out, in, stream);
    else
      launch_gradient<T, 1>(from, index, to, offsets, out, in, stream);
  })
}

}  // namespace CAWE_DEVICE
