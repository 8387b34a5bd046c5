// SPDX-License-Identifier: Apache-2.0
// Three means of ReLU over rows, from the plainest on.
//
// Bytes     read rows·cells·4, write rows·4.
// FLOPs     2 a number.
// Launch    1: a thread for a row. 2 and 3: a block of 256 threads for a row.
// Numerics  f32 sums: 1 in the order of the row, 2 and 3 in fixed trees. No atomics.
// Loads     one number a lane: 1 from 32 rows at once, 2 and 3 from neighbouring places.
#include "cuda/lab/ladders/cawe_weights.h"

#include "cuda/emulator/simt/simt.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kRowThreads = 128;

__device__ __forceinline__ float relu(float x) { return x > 0.f ? x : 0.f; }

__global__ void __launch_bounds__(kRowThreads)
    thread_for_a_row(const float* __restrict__ g, float* __restrict__ w, int rows, int cells) {
  const int row = int(blockIdx.x) * kRowThreads + int(threadIdx.x);
  if (row >= rows) return;
  float sum = 0.f;
  for (int i = 0; i < cells; ++i) sum += relu(g[size_t(row) * cells + i]);
  w[row] = sum / float(cells);
}

__device__ __forceinline__ float sum_of_thread(const float* row, int cells) {
  float sum = 0.f;
  for (int i = int(threadIdx.x); i < cells; i += kThreads) sum += relu(row[i]);
  return sum;
}

__global__ void __launch_bounds__(kThreads)
    tree_in_shared(const float* __restrict__ g, float* __restrict__ w, int cells) {
  __shared__ float s[kThreads];
  const int t = int(threadIdx.x);
  s[t] = sum_of_thread(g + size_t(blockIdx.x) * cells, cells);
  for (int distance = 1; distance < kThreads; distance *= 2) {
    __syncthreads();
    const int i = 2 * distance * t;
    if (i < kThreads) s[i] += s[i + distance];
  }
  if (t == 0) w[blockIdx.x] = s[0] / float(cells);
}

__global__ void __launch_bounds__(kThreads)
    shuffles(const float* __restrict__ g, float* __restrict__ w, int cells) {
  __shared__ float partial[32];
  const float sum = block_reduce(sum_of_thread(g + size_t(blockIdx.x) * cells, cells), Sum{}, 0.f, partial);
  if (threadIdx.x == 0) w[blockIdx.x] = sum / float(cells);
}

}  // namespace

void weights_by_threads(const float* g, float* w, int rows, int cells, DeviceStream stream) {
  if (rows == 0) return;
  CAWE_LAUNCH(thread_for_a_row, (rows + kRowThreads - 1) / kRowThreads, kRowThreads, 0, stream, g, w, rows,
              cells);
}

void weights_by_trees(const float* g, float* w, int rows, int cells, DeviceStream stream) {
  if (rows == 0) return;
  CAWE_LAUNCH(tree_in_shared, rows, kThreads, 0, stream, g, w, cells);
}

void weights_by_shuffles(const float* g, float* w, int rows, int cells, DeviceStream stream) {
  if (rows == 0) return;
  CAWE_LAUNCH(shuffles, rows, kThreads, 0, stream, g, w, cells);
}

}  // namespace CAWE_DEVICE
