// SPDX-License-Identifier: Apache-2.0
// CAWE's gradient weights: w[n,c] = mean over h, w of ReLU(g[n,c,h,w]). Source: the paper's Eq. 1; the ReLU
// is inside the mean.
//
// Bytes     read N·C·H·W·e, write N·C·e: each gradient once.
// FLOPs     2 per gradient (compare, add): memory-bound on every GPU.
// Launch    NCHW: a block of 256 threads for a channel from 1,024 cells on, below that a warp for a channel
//           and 8 channels per block. Channels-last: 8 lanes with 16 bytes of channels each, 128 in all, by 32
//           rows of cells; 32 lanes by 8 rows where channels are no multiple of what 16 bytes hold.
// Numerics  f32 sums (f64 for f64) in a fixed tree: strided partial sums by lane, butterfly, then warps in
//           order; channels-last a tree over the block's rows. No atomics: the same bits in every run.
// Loads     128 bits where cells (channels-last: channels) are a multiple of what one load holds, else one number
//           per lane; four of a thread are asked for before the first is added.
#include "cuda/kernels/cawe_weights.h"

#include "cuda/emulator/simt/simt.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kWarps = kThreads / 32, kAhead = 4;

template <class A>
__device__ __forceinline__ A relu(A x) {
  return x > A(0) ? x : A(0);
}

/// Sum of ReLU over packs first, first + step, ... below `packs`, pack i being at(i); kAhead are loaded before the first
/// is added, so that enough loads are under way. Packs that are not there add 0. Each number of a pack has its own sum.
template <class T, int kPack, class At>
__device__ __forceinline__ void strided_sums(int first, int step, int packs, At at,
                                             Accumulator<T> (&sum)[kPack]) {
  for (int i = first; i < packs; i += kAhead * step) {
    Pack<T, kPack> p[kAhead] = {};
    for (int j = 0; j < kAhead; ++j)
      if (i + j * step < packs) p[j] = at(i + j * step);
    for (int j = 0; j < kAhead; ++j)
      for (int k = 0; k < kPack; ++k) sum[k] += relu(widen(p[j].v[k]));
  }
}

/// Sum of ReLU over this thread's share of a row.
template <class T, int kPack>
__device__ __forceinline__ Accumulator<T> share_of_row(const T* row, int cells, int first, int step) {
  const auto* packs = reinterpret_cast<const Pack<T, kPack>*>(row);
  Accumulator<T> sums[kPack] = {}, sum = 0;
  strided_sums<T, kPack>(
      first, step, cells / kPack, [&](int i) { return packs[i]; }, sums);
  for (int k = 0; k < kPack; ++k) sum += sums[k];
  return sum;
}

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    block_per_row(const T* __restrict__ g, T* __restrict__ w, int cells) {
  __shared__ Accumulator<T> partial[32];
  const Accumulator<T> mine =
      share_of_row<T, kPack>(g + size_t(blockIdx.x) * cells, cells, int(threadIdx.x), kThreads);
  const Accumulator<T> sum = block_reduce(mine, Sum{}, Accumulator<T>(0), partial);
  if (threadIdx.x == 0) w[blockIdx.x] = rounded<T>(sum / Accumulator<T>(cells));
}

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    warp_per_row(const T* __restrict__ g, T* __restrict__ w, int rows, int cells) {
  const int row = int(blockIdx.x) * kWarps + int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
  if (row >= rows) return;  // whole warps return, so no lane is missing in a shuffle
  const Accumulator<T> mine = share_of_row<T, kPack>(g + size_t(row) * cells, cells, lane, 32);
  const Accumulator<T> sum = warp_reduce(mine, Sum{});
  if (lane == 0) w[row] = rounded<T>(sum / Accumulator<T>(cells));
}

/// Lanes are neighbouring packs of channels, the block's rows of lanes take every so many cells.
template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    channels_last(const T* __restrict__ g, T* __restrict__ w, int c, int cells) {
  using A = Accumulator<T>;
  __shared__ A partial[kPack][kThreads];
  const unsigned thread = threadIdx.y * blockDim.x + threadIdx.x;
  const int channel = int(blockIdx.x * blockDim.x + threadIdx.x) * kPack;
  const T* image = g + size_t(blockIdx.y) * cells * c + channel;
  A sum[kPack] = {};
  if (channel < c)
    strided_sums<T, kPack>(
        int(threadIdx.y), int(blockDim.y), cells,
        [&](int i) { return *reinterpret_cast<const Pack<T, kPack>*>(image + size_t(i) * c); }, sum);
  for (int k = 0; k < kPack; ++k) partial[k][thread] = sum[k];
  for (unsigned half = kThreads / 2; half >= blockDim.x; half /= 2) {
    __syncthreads();
    if (thread < half)
      for (int k = 0; k < kPack; ++k) {
        sum[k] += partial[k][thread + half];
        partial[k][thread] = sum[k];
      }
  }
  if (threadIdx.y != 0 || channel >= c) return;
  Pack<T, kPack> out;
  for (int k = 0; k < kPack; ++k) out.v[k] = rounded<T>(sum[k] / A(cells));
  *reinterpret_cast<Pack<T, kPack>*>(w + size_t(blockIdx.y) * c + channel) = out;
}

template <class T, int kPack>
void launch_rows(const T* g, T* w, int rows, int cells, DeviceStream stream) {
  if (cells >= 1024)
    CAWE_LAUNCH((block_per_row<T, kPack>), rows, kThreads, 0, stream, g, w, cells);
  else
    CAWE_LAUNCH((warp_per_row<T, kPack>), (rows + kWarps - 1) / kWarps, kThreads, 0, stream, g, w, rows,
                cells);
}

template <class T, int kPack>
void launch_channels(const T* g, T* w, int64_t n, int c, int cells, DeviceStream stream) {
  constexpr int kMost = kPack == 1 ? 32 : 8;  // with packs of 16 bytes a line of 128
  int lanes = 1;
  while (lanes < kMost && lanes * kPack < c) lanes *= 2;
  const dim3 grid(unsigned((c + lanes * kPack - 1) / (lanes * kPack)), unsigned(n));
  CAWE_LAUNCH((channels_last<T, kPack>), grid, dim3(unsigned(lanes), unsigned(kThreads / lanes)), 0, stream,
              g, w, c, cells);
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
  CAWE_DISPATCH(number, T, {
    const auto* in = static_cast<const T*>(g);
    if (c % kPerLoad<T> == 0)
      launch_channels<T, kPerLoad<T>>(in, static_cast<T*>(w), n, int(c), int(cells), stream);
    else
      launch_channels<T, 1>(in, static_cast<T*>(w), n, int(c), int(cells), stream);
  })
}

}  // namespace CAWE_DEVICE
