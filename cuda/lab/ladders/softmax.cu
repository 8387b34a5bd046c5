// SPDX-License-Identifier: Apache-2.0
// Three softmaxes over rows, each in three passes: the largest number, the sum of exp, the quotients.
//
// Bytes     12 a number read (the row three times), 4 written.
// FLOPs     7 a number: exp and its subtraction are done twice.
// Launch    1: a thread for a row. 2: a block of 128 threads for a row. 3: a warp for a row, 4 rows a block.
// Numerics  f32, in a fixed order.
// Loads     one number a lane: 1 from 32 rows at once, 2 and 3 from neighbouring places.
#include "cuda/lab/ladders/softmax.h"

#include "cuda/emulator/simt/simt.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads)
    thread_for_a_row(const float* __restrict__ x, float* __restrict__ y, int rows, int columns) {
  const int r = int(blockIdx.x) * kThreads + int(threadIdx.x);
  if (r >= rows) return;
  const float* row = x + size_t(r) * columns;
  float most = row[0], sum = 0.f;
  for (int j = 1; j < columns; ++j) most = Max{}(row[j], most);
  for (int j = 0; j < columns; ++j) sum += expf(row[j] - most);
  for (int j = 0; j < columns; ++j) y[size_t(r) * columns + j] = expf(row[j] - most) / sum;
}

/// All threads get op over the block's values, in shared memory s.
template <class Op>
__device__ __forceinline__ float tree(float value, Op op, float* s) {
  const int t = int(threadIdx.x);
  s[t] = value;
  for (int distance = kThreads / 2; distance > 0; distance /= 2) {
    __syncthreads();
    if (t < distance) s[t] = op(s[t], s[t + distance]);
  }
  __syncthreads();
  const float result = s[0];
  __syncthreads();
  return result;
}

__global__ void __launch_bounds__(kThreads)
    block_for_a_row(const float* __restrict__ x, float* __restrict__ y, int columns) {
  __shared__ float s[kThreads];
  const int t = int(threadIdx.x);
  const float* row = x + size_t(blockIdx.x) * columns;
  float most = -INFINITY, sum = 0.f;
  for (int j = t; j < columns; j += kThreads) most = Max{}(row[j], most);
  most = tree(most, Max{}, s);
  for (int j = t; j < columns; j += kThreads) sum += expf(row[j] - most);
  sum = tree(sum, Sum{}, s);
  for (int j = t; j < columns; j += kThreads) y[size_t(blockIdx.x) * columns + j] = expf(row[j] - most) / sum;
}

__global__ void __launch_bounds__(kThreads)
    warp_for_a_row(const float* __restrict__ x, float* __restrict__ y, int rows, int columns) {
  const int r = (int(blockIdx.x) * kThreads + int(threadIdx.x)) / 32, lane = int(threadIdx.x) % 32;
  if (r >= rows) return;  // whole warps leave
  const float* row = x + size_t(r) * columns;
  float most = -INFINITY, sum = 0.f;
  for (int j = lane; j < columns; j += 32) most = Max{}(row[j], most);
  most = warp_reduce(most, Max{});
  for (int j = lane; j < columns; j += 32) sum += expf(row[j] - most);
  sum = warp_reduce(sum, Sum{});
  for (int j = lane; j < columns; j += 32) y[size_t(r) * columns + j] = expf(row[j] - most) / sum;
}

}  // namespace

void softmax_by_threads(const float* x, float* y, int rows, int columns, DeviceStream stream) {
  if (rows * columns == 0) return;
  CAWE_LAUNCH(thread_for_a_row, (rows + kThreads - 1) / kThreads, kThreads, 0, stream, x, y, rows, columns);
}

void softmax_by_blocks(const float* x, float* y, int rows, int columns, DeviceStream stream) {
  if (rows * columns == 0) return;
  CAWE_LAUNCH(block_for_a_row, rows, kThreads, 0, stream, x, y, columns);
}

void softmax_by_warps(const float* x, float* y, int rows, int columns, DeviceStream stream) {
  if (rows * columns == 0) return;
  CAWE_LAUNCH(warp_for_a_row, (rows + 3) / 4, kThreads, 0, stream, x, y, rows, columns);
}

}  // namespace CAWE_DEVICE
