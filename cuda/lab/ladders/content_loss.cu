// SPDX-License-Identifier: Apache-2.0
// Three content losses with gradients, from separate steps on.
//
// Bytes     of n numbers: in parts 6n·4 (difference 3n, its sum n, gradient 2n), else 3n·4.
// FLOPs     4 a number.
// Launch    256 threads; a block takes 1,024 numbers; one more block adds up the blocks' sums of a map.
// Numerics  f32 within a block, f64 over blocks, in a fixed order. No atomics.
// Loads     one number a lane, with vectors four.
#include "cuda/lab/ladders/content_loss.h"

#include "cuda/emulator/simt/simt.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256;

__device__ __forceinline__ float sign_times(float d, float slope) {
  return d > 0.f ? slope : d < 0.f ? -slope : 0.f;
}
__device__ __forceinline__ float absolute(float d) { return d < 0.f ? -d : d; }

__global__ void __launch_bounds__(kThreads) subtract(const float* __restrict__ a, const float* __restrict__ b,
                                                     float* __restrict__ difference, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + int(threadIdx.x);
  if (i < n) difference[i] = a[i] - b[i];
}

__global__ void __launch_bounds__(kThreads)
    sum_absolute(const float* __restrict__ difference, double* __restrict__ sums, int64_t n) {
  __shared__ float partial[32];
  const int64_t begin = int64_t(blockIdx.x) * kContentLadderBlock, end = begin + kContentLadderBlock;
  float mine = 0.f;
  for (int64_t i = begin + int(threadIdx.x); i < end && i < n; i += kThreads) mine += absolute(difference[i]);
  const float sum = block_reduce(mine, Sum{}, 0.f, partial);
  if (threadIdx.x == 0) sums[blockIdx.x] = double(sum);
}

__global__ void __launch_bounds__(kThreads)
    gradient(const float* __restrict__ difference, float* __restrict__ grad, float slope, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + int(threadIdx.x);
  if (i < n) grad[i] = sign_times(difference[i], slope);
}

/// One block: loss = (first map ? 0 : loss) + weight * sum of the blocks' sums.
__global__ void __launch_bounds__(kThreads)
    add_up(const double* __restrict__ sums, int blocks, double weight, bool is_first, float* loss) {
  __shared__ double partial[32];
  double mine = 0;
  for (int i = int(threadIdx.x); i < blocks; i += kThreads) mine += sums[i];
  const double sum = block_reduce(mine, Sum{}, 0.0, partial);
  if (threadIdx.x == 0) *loss = float((is_first ? 0.0 : double(*loss)) + weight * sum);
}

/// Sum and gradient of one map in one pass, kPack numbers at a time.
template <int kPack>
__global__ void __launch_bounds__(kThreads)
    one_map(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ grad, float slope,
            double* __restrict__ sums, int64_t n) {
  using Packed = Pack<float, kPack>;
  __shared__ float partial[32];
  const int64_t begin = int64_t(blockIdx.x) * kContentLadderBlock, end = begin + kContentLadderBlock;
  float mine = 0.f;
  for (int64_t i = begin + int(threadIdx.x) * kPack; i < end && i < n; i += kThreads * kPack) {
    Packed p = *reinterpret_cast<const Packed*>(a + i);
    const Packed q = *reinterpret_cast<const Packed*>(b + i);
    for (int k = 0; k < kPack; ++k) {
      const float d = p.v[k] - q.v[k];
      mine += absolute(d);
      p.v[k] = sign_times(d, slope);
    }
    *reinterpret_cast<Packed*>(grad + i) = p;
  }
  const float sum = block_reduce(mine, Sum{}, 0.f, partial);
  if (threadIdx.x == 0) sums[blockIdx.x] = double(sum);
}

unsigned blocks_of(int64_t n) { return unsigned((n + kThreads - 1) / kThreads); }
unsigned summing_blocks(int64_t n) { return unsigned(content_ladder_blocks(n)); }

void launch_add_up(const ContentMap& m, bool is_first, float* loss, const double* sums, DeviceStream stream) {
  CAWE_LAUNCH(add_up, 1, kThreads, 0, stream, sums, int(summing_blocks(m.n)), m.weight, is_first, loss);
}

template <int kPack>
void each_map(const ContentMaps& maps, float* loss, double* sums, DeviceStream stream) {
  for (int i = 0; i < maps.count; ++i) {
    const ContentMap& m = maps.map[i];
    CAWE_LAUNCH(one_map<kPack>, summing_blocks(m.n), kThreads, 0, stream, static_cast<const float*>(m.a),
                static_cast<const float*>(m.b), static_cast<float*>(m.grad), float(m.weight), sums, m.n);
    launch_add_up(m, i == 0, loss, sums, stream);
  }
}

}  // namespace

void content_loss_in_parts(const ContentMaps& maps, float* loss, double* sums, float* difference,
                           DeviceStream stream) {
  for (int i = 0; i < maps.count; ++i) {
    const ContentMap& m = maps.map[i];
    CAWE_LAUNCH(subtract, blocks_of(m.n), kThreads, 0, stream, static_cast<const float*>(m.a),
                static_cast<const float*>(m.b), difference, m.n);
    CAWE_LAUNCH(sum_absolute, summing_blocks(m.n), kThreads, 0, stream, difference, sums, m.n);
    launch_add_up(m, i == 0, loss, sums, stream);
    CAWE_LAUNCH(gradient, blocks_of(m.n), kThreads, 0, stream, difference, static_cast<float*>(m.grad),
                float(m.weight), m.n);
  }
}

void content_loss_by_maps(const ContentMaps& maps, float* loss, double* sums, DeviceStream stream) {
  each_map<1>(maps, loss, sums, stream);
}

void content_loss_by_vectors(const ContentMaps& maps, float* loss, double* sums, DeviceStream stream) {
  each_map<4>(maps, loss, sums, stream);
}

}  // namespace CAWE_DEVICE
