// SPDX-License-Identifier: Apache-2.0
// CAWE's gradient weights: w[n,c] = mean over h, w of ReLU(g[n,c,h,w]). Source: the paper's Eq. 1; the ReLU
// is inside the mean.
//
// Bytes     read N·C·H·W·e, write N·C·e: each gradient once.
// FLOPs     2 per gradient (compare, add): memory-bound on every GPU.
// Launch    NCHW: a block of 256 threads for a channel from 1,024 cells on, below that a warp for a channel
//           and 8 channels per block. Channels-last: 32 channels by 8 rows of cells.
// Numerics  f32 sums (f64 for f64) in a fixed tree: strided partial sums by lane, butterfly, then warps in
//           order. No atomics: the same bits in every run.
// Loads     128 bits where cells are a multiple of what one load holds, else one number per lane.
#include "cuda/kernels/cawe_weights.h"

#include "cuda/emulator/simt/simt.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kWarps = kThreads / 32;

template <class A>
__device__ __forceinline__ A relu(A x) {
  return x > A(0) ? x : A(0);
}

/// Sum of ReLU over row[first], row[first + step], ... in packs of kPack.
template <class T, int kPack>
__device__ __forceinline__ Accumulator<T> strided_sum(const T* row, int cells, int first, int step) {
  const auto* packs = reinterpret_cast<const Pack<T, kPack>*>(row);
  Accumulator<T> sum = 0;
  for (int i = first; i < cells / kPack; i += step) {
    const Pack<T, kPack> p = packs[i];
    for (int k = 0; k < kPack; ++k) sum += relu(widen(p.v[k]));
  }
  return sum;
}

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    block_per_row(const T* __restrict__ g, T* __restrict__ w, int cells) {
  __shared__ Accumulator<T> partial[32];
  const Accumulator<T> mine =
      strided_sum<T, kPack>(g + size_t(blockIdx.x) * cells, cells, int(threadIdx.x), kThreads);
  const Accumulator<T> sum = block_reduce(mine, Sum{}, Accumulator<T>(0), partial);
  if (threadIdx.x == 0) w[blockIdx.x] = rounded<T>(sum / Accumulator<T>(cells));
}

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    warp_per_row(const T* __restrict__ g, T* __restrict__ w, int rows, int cells) {
  const int row = int(blockIdx.x) * kWarps + int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
  if (row >= rows) return;  // whole warps return, so no lane is missing in a shuffle
  const Accumulator<T> mine = strided_sum<T, kPack>(g + size_t(row) * cells, cells, lane, 32);
  const Accumulator<T> sum = warp_reduce(mine, Sum{});
  if (lane == 0) w[row] = rounded<T>(sum / Accumulator<T>(cells));
}

/// Block (32, 8): lanes are neighbouring channels, the 8 warps take every eighth cell.
template <class T>
__global__ void __launch_bounds__(kThreads)
    channels_last(const T* __restrict__ g, T* __restrict__ w, int c, int cells) {
  __shared__ Accumulator<T> partial[kWarps][32];
  const int channel = int(blockIdx.x) * 32 + int(threadIdx.x);
  const T* image = g + size_t(blockIdx.y) * cells * c;
  Accumulator<T> sum = 0;
  if (channel < c)
    for (int i = int(threadIdx.y); i < cells; i += kWarps) sum += relu(widen(image[size_t(i) * c + channel]));
  partial[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || channel >= c) return;
  for (int warp = 1; warp < kWarps; ++warp) sum += partial[warp][threadIdx.x];
  w[size_t(blockIdx.y) * c + channel] = rounded<T>(sum / Accumulator<T>(cells));
}

template <class T, int kPack>
void launch_rows(const T* g, T* w, int rows, int cells, DeviceStream stream) {
  if (cells >= 1024)
    CAWE_LAUNCH((block_per_row<T, kPack>), rows, kThreads, 0, stream, g, w, cells);
  else
    CAWE_LAUNCH((warp_per_row<T, kPack>), (rows + kWarps - 1) / kWarps, kThreads, 0, stream, g, w, rows,
                cells);
}

}  // namespace

void cawe_weights(Number number, const void* g, void* w, int64_t rows, int64_t cells, DeviceStream stream) {
  if (rows == 0) return;
  CAWE_DISPATCH(number, T, {
    const auto* in = static_cast<const T*>(g);
    if (cells % kPerLoad<T> == 0)
      launch_rows<T, kPerLoad<T>>(in, static_cast<T*>(w), int(rows), int(cells), stream);
    else
      launch_rows<T, 1>(in, static_cast<T*>(w), int(rows), int(cells), stream);
  })
}

void cawe_weights_channels_last(Number number, const void* g, void* w, int64_t n, int64_t c, int64_t cells,
                                DeviceStream stream) {
  if (n * c == 0) return;
  const dim3 grid(unsigned((c + 31) / 32), unsigned(n)), block(32, kWarps);
  CAWE_DISPATCH(number, T,
                CAWE_LAUNCH(channels_last<T>, grid, block, 0, stream, static_cast<const T*>(g),
                            static_cast<T*>(w), int(c), int(cells)))
}

}  // namespace CAWE_DEVICE
