// SPDX-License-Identifier: Apache-2.0
// Softmax attention of one image, two ways: with all scores in memory, and with a softmax that runs along.
//
// Bytes     1: q, k, v and y, and the scores written, read, written and read again. 2: q, k, v and y.
// FLOPs     2 depth + 2 channels a score, and exp.
// Launch    1: a thread a score; the production softmax; a thread an output. 2: a warp a query.
// Numerics  f32, in a fixed order.
// Loads     one number a lane. Neighbouring lanes are neighbouring keys where scores are made: each reads a
//           row of its own.
#include "cuda/lab/ladders/attention.h"

#include "cuda/emulator/simt/simt.cuh"
#include "cuda/kernels/softmax.h"
// After the dialect, which it does not include.
#include "cuda/kernels/softmax.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 128;

__device__ __forceinline__ float score_of(const float* q, const float* k, int depth) {
  float sum = 0.f;
  for (int d = 0; d < depth; ++d) sum += q[d] * k[d];
  return sum;
}

/// A block a query, a thread a key.
__global__ void all_scores(const float* __restrict__ q, const float* __restrict__ k,
                           float* __restrict__ scores, int keys, int depth) {
  const int s = int(threadIdx.x), p = int(blockIdx.x);
  scores[size_t(p) * keys + s] = score_of(q + size_t(p) * depth, k + size_t(s) * depth, depth);
}

/// A thread an output.
__global__ void __launch_bounds__(kThreads)
    mix_values(const float* __restrict__ weights, const float* __restrict__ v, float* __restrict__ y, int n,
               int keys, int channels) {
  const int i = int(blockIdx.x) * kThreads + int(threadIdx.x);
  if (i >= n) return;
  const int p = i / channels, c = i % channels;
  float sum = 0.f;
  for (int s = 0; s < keys; ++s) sum += weights[size_t(p) * keys + s] * v[size_t(s) * channels + c];
  y[i] = sum;
}

/// Lanes are keys while scores are made, and channels while values are mixed.
__global__ void __launch_bounds__(kThreads)
    warp_for_a_query(const float* __restrict__ q, const float* __restrict__ k, const float* __restrict__ v,
                     float* __restrict__ y, int queries, int keys, int depth) {
  constexpr int kChannels = 32;
  const int p = (int(blockIdx.x) * kThreads + int(threadIdx.x)) / 32, lane = int(threadIdx.x) % 32;
  if (p >= queries) return;  // whole warps leave
  float most = Lowest<float>::value, sum = 0.f, mixed = 0.f;
  for (int first = 0; first < keys; first += 32) {
    float score = -INFINITY;
    if (first + lane < keys) score = score_of(q + size_t(p) * depth, k + size_t(first + lane) * depth, depth);
    const float before = most;
    most = Max{}(warp_reduce(score, Max{}), before);
    const float weight = exponential(score - most), shrink = exponential(before - most);
    sum = sum * shrink + warp_reduce(weight, Sum{});
    mixed *= shrink;
    for (int s = 0; s < 32 && first + s < keys; ++s)
      mixed += __shfl_sync(0xffffffffu, weight, s) * v[size_t(first + s) * kChannels + lane];
  }
  y[size_t(p) * kChannels + lane] = mixed / sum;
}

}  // namespace

void attention_by_scores(const float* q, const float* k, const float* v, float* scores, float* y, int queries,
                         int keys, int depth, int channels, DeviceStream stream) {
  const int n = queries * channels;
  if (n == 0) return;
  float* const weights = scores + size_t(queries) * keys;
  CAWE_LAUNCH(all_scores, queries, keys, 0, stream, q, k, scores, keys, depth);
  softmax(Number::f32, scores, weights, queries, keys, stream);
  CAWE_LAUNCH(mix_values, (n + kThreads - 1) / kThreads, kThreads, 0, stream, weights, v, y, n, keys,
              channels);
}

void attention_by_warps(const float* q, const float* k, const float* v, float* y, int queries, int keys,
                        int depth, DeviceStream stream) {
  if (queries == 0) return;
  CAWE_LAUNCH(warp_for_a_query, (queries + 3) / 4, kThreads, 0, stream, q, k, v, y, queries, keys, depth);
}

}  // namespace CAWE_DEVICE
