// SPDX-License-Identifier: Apache-2.0
// Kernels with one mistake each. The line that must be named carries "finds:" and the kind; a race has two
// sides, and which of them comes second depends on the order of the threads.
#include "tests/cuda/emulator/planted.h"

#include "cuda/emulator/simt/simt.cuh"

namespace cawe::planted {
namespace {

__global__ void off_by_one(const float* in, float* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i <= n) out[i] = 2.f * in[i];  // finds: out-of-bounds
}

__global__ void adds_to_nothing(const float* in, float* fresh, int n) {
  const int i = threadIdx.x;
  if (i < n) fresh[i] += in[i];  // finds: uninitialised-read
}

__global__ void forgets_a_word(float* out) {
  __shared__ float s[64];
  if (threadIdx.x < 63) s[threadIdx.x] = 1.f;
  __syncthreads();
  out[threadIdx.x] = s[threadIdx.x];  // finds: uninitialised-read
}

__global__ void forgets_the_barrier(const float* in, float* out) {
  __shared__ float s[64];
  s[threadIdx.x] = in[threadIdx.x];
  out[threadIdx.x] = s[63 - threadIdx.x];  // finds: race-read-after-write
}

__global__ void reuses_too_early(const float* in, float* out) {
  __shared__ float s[64];
  float sum = 0.f;
  for (int round = 0; round < 2; ++round) {
    s[threadIdx.x] = in[round * 64 + threadIdx.x];  // finds: race-write-after-read
    __syncthreads();
    sum += s[(threadIdx.x + 33) % 64];
  }
  out[threadIdx.x] = sum;
}

__global__ void two_barriers(float* out) {
  __shared__ float s[64];
  s[threadIdx.x] = 1.f;
  if (threadIdx.x < 32)
    __syncthreads();  // finds: barrier-divergent
  else
    __syncthreads();
  out[threadIdx.x] = s[63 - threadIdx.x];
}

__global__ void leaves_early(float* out) {
  __shared__ float s[64];
  if (threadIdx.x > 50) return;
  s[threadIdx.x] = 1.f;
  __syncthreads();  // finds: barrier-after-exit
  out[threadIdx.x] = s[threadIdx.x];
}

__global__ void waits_for_nobody(float* out) {
  if (threadIdx.x < 32)
    __syncthreads();  // finds: deadlock
  else if (threadIdx.x < 48)
    __syncwarp();  // finds: deadlock
  out[threadIdx.x] = 1.f;
}

__global__ void trusts_lock_step(float* out) {
  __shared__ float s[32];
  const int t = threadIdx.x;
  s[t] = float(t);                // finds: race-write-after-read
  if (t < 16) s[t] += s[t + 16];  // finds: race-read-after-write
  out[t] = s[t];
}

__global__ void blocks_collide(float* out) {
  out[0] = float(blockIdx.x);  // finds: race-write-after-write
}

__global__ void adds_without_atomic(unsigned* count) {
  if (threadIdx.x == 0) *count += 1u;  // finds: race-read-after-write
}

__device__ __forceinline__ float warp_sum(float v) {
  for (int d = 16; d > 0; d /= 2) v += __shfl_down_sync(0xffffffffu, v, d);
  return v;
}

template <bool kFence>
__global__ void last_block_adds(const float* in, float* part, float* out, unsigned* ticket, int n) {
  __shared__ bool last;
  float s = 0.f;
  for (int i = blockIdx.x * 32 + threadIdx.x; i < n; i += gridDim.x * 32) s += in[i];
  s = warp_sum(s);
  if (threadIdx.x == 0) {
    part[blockIdx.x] = s;
    if (kFence) __threadfence();
    last = atomicAdd(ticket, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (!last) return;
  s = threadIdx.x < gridDim.x ? part[threadIdx.x] : 0.f;  // finds: race-read-after-write
  s = warp_sum(s);
  if (threadIdx.x == 0) *out = s;
}

__global__ void indexes_a_local_array(const float* in, float* out) {
  float r[8];
  for (int i = 0; i < 8; ++i) r[i] = in[i];
  const int k = int(in[0]) + int(threadIdx.x);
  out[threadIdx.x] = r[k];  // finds: array-index
}

__global__ void indexes_shared(float* out) {
  __shared__ float s[64];
  s[threadIdx.x + 1] = 1.f;  // finds: array-index
  __syncthreads();
  out[threadIdx.x] = s[threadIdx.x];
}

__global__ void overruns_dynamic(float* out) {
  SIMT_DYN_SHARED(float, s);
  s[threadIdx.x] = 1.f;  // finds: out-of-bounds
  __syncthreads();
  out[threadIdx.x] = s[0];
}

__global__ void reads_an_idle_lane(float* out) {
  float v = float(threadIdx.x);
  if (threadIdx.x < 16) v = __shfl_xor_sync(0xffffu, v, 16);  // finds: shuffle-inactive
  out[threadIdx.x] = v;
}

__global__ void not_in_its_mask(float* out) {
  if (threadIdx.x >= 16) __syncwarp(0xffffu);  // finds: sync-mask
  out[threadIdx.x] = 1.f;
}

__global__ void uses_freed(const float* freed, float* out) {
  out[threadIdx.x] = freed[threadIdx.x];  // finds: use-after-free
}

__global__ void misaligns(const float* in, float* out) {
  const float4 v = *reinterpret_cast<const float4*>(in + threadIdx.x);  // finds: misaligned
  out[threadIdx.x] = v.x + v.w;
}

__global__ void overflows(const float* in, float* out, int big) {
  const int i = int(threadIdx.x) + 1;
  const int product = i * big;  // finds: index-overflow
  out[threadIdx.x] = in[product & 31];
}

__global__ void writes_through_null(float* out) {
  float* const nowhere = out[1] == 0.f ? nullptr : out;
  *nowhere = 1.f;  // finds: null-pointer
}

__global__ void reads_the_host(const float* host, float* out) {
  out[threadIdx.x] = host[threadIdx.x];  // finds: host-memory
}

__global__ void half_a_warp_multiplies(float* out) {
  float c[4] = {};
  const unsigned a[4] = {};
  if (threadIdx.x < 16) simt::mma_16x8x16<simt::half>(c, a, 0, 0);  // finds: sync-mask
  out[threadIdx.x] = c[0];
}

__global__ void multiplies_in_two_places(float* out) {
  float c[4] = {};
  const unsigned a[4] = {};
  if (threadIdx.x % 2 == 0)
    simt::mma_16x8x16<simt::half>(c, a, 0, 0);  // finds: sync-mask
  else
    simt::mma_16x8x16<simt::bf16>(c, a, 0, 0);  // finds: sync-mask
  out[threadIdx.x] = c[0];
}

__global__ void multiplies_in_a_short_warp(float* out) {
  float c[4] = {};
  const unsigned a[4] = {};
  simt::mma_16x8x16<simt::half>(c, a, 0, 0);  // finds: sync-mask
  out[threadIdx.x] = c[0];
}

__global__ void trusts_a_product(float* out) {
  __shared__ float s[32];
  float c[4] = {};
  const unsigned a[4] = {};
  s[threadIdx.x] = float(threadIdx.x);
  simt::mma_16x8x16<simt::bf16>(c, a, 0, 0);
  out[threadIdx.x] = c[0] + s[31 - threadIdx.x];  // finds: race-read-after-write
}

// --- innocent ones
__global__ void in_place_halves(simt::half* x) {
  x[threadIdx.x] = simt::half(simt::widen(x[threadIdx.x]) + 1.f);
}

__global__ void same_value_reads(const float* in, float* out) { out[threadIdx.x] = in[0] + in[threadIdx.x]; }

__global__ void warp_synced(float* out) {
  __shared__ float s[32];
  const int t = threadIdx.x;
  s[t] = float(t);
  __syncwarp();
  const float v = s[31 - t];
  __syncwarp();
  s[t] = v;
  out[t] = s[t];
}

__global__ void counts(unsigned* count) { atomicAdd(count, 1u); }

__global__ void double_buffer(const float* in, float* out) {
  __shared__ float s[2][64];
  float sum = 0.f;
  for (int round = 0; round < 2; ++round) {
    s[round][threadIdx.x] = in[round * 64 + threadIdx.x];
    __syncthreads();
    sum += s[round][(threadIdx.x + 33) % 64];
  }
  out[threadIdx.x] = sum;
}

__global__ void multiplies(float* out) {
  float c[4] = {};
  const unsigned a[4] = {};
  for (int i = 0; i < 3; ++i) simt::mma_16x8x16<simt::half>(c, a, 0, 0);
  out[threadIdx.x] = c[0];
}

}  // namespace

const Bug kBugs[] = {
    {"off_by_one",
     [](const Buffers& b) { CAWE_LAUNCH(off_by_one, b.n / 128 + 1, 128, 0, nullptr, b.in, b.out, b.n); }},
    {"adds_to_nothing",
     [](const Buffers& b) { CAWE_LAUNCH(adds_to_nothing, 1, 64, 0, nullptr, b.in, b.fresh, 64); }},
    {"forgets_a_word", [](const Buffers& b) { CAWE_LAUNCH(forgets_a_word, 1, 64, 0, nullptr, b.out); }},
    {"forgets_the_barrier",
     [](const Buffers& b) { CAWE_LAUNCH(forgets_the_barrier, 1, 64, 0, nullptr, b.in, b.out); }},
    {"reuses_too_early",
     [](const Buffers& b) { CAWE_LAUNCH(reuses_too_early, 1, 64, 0, nullptr, b.in, b.out); }},
    {"two_barriers", [](const Buffers& b) { CAWE_LAUNCH(two_barriers, 1, 64, 0, nullptr, b.out); }},
    {"leaves_early", [](const Buffers& b) { CAWE_LAUNCH(leaves_early, 1, 64, 0, nullptr, b.out); }},
    {"waits_for_nobody", [](const Buffers& b) { CAWE_LAUNCH(waits_for_nobody, 1, 64, 0, nullptr, b.out); }},
    {"trusts_lock_step", [](const Buffers& b) { CAWE_LAUNCH(trusts_lock_step, 1, 32, 0, nullptr, b.out); }},
    {"blocks_collide", [](const Buffers& b) { CAWE_LAUNCH(blocks_collide, 4, 32, 0, nullptr, b.out); }},
    {"adds_without_atomic",
     [](const Buffers& b) { CAWE_LAUNCH(adds_without_atomic, 4, 32, 0, nullptr, b.count); }},
    {"last_block_adds<false>",
     [](const Buffers& b) {
       CAWE_LAUNCH(last_block_adds<false>, 8, 32, 0, nullptr, b.in, b.fresh, b.out, b.count, b.n);
     }},
    {"indexes_a_local_array",
     [](const Buffers& b) { CAWE_LAUNCH(indexes_a_local_array, 1, 32, 0, nullptr, b.in, b.out); }},
    {"indexes_shared", [](const Buffers& b) { CAWE_LAUNCH(indexes_shared, 1, 64, 0, nullptr, b.out); }},
    {"overruns_dynamic", [](const Buffers& b) { CAWE_LAUNCH(overruns_dynamic, 1, 64, 252, nullptr, b.out); }},
    {"reads_an_idle_lane",
     [](const Buffers& b) { CAWE_LAUNCH(reads_an_idle_lane, 1, 32, 0, nullptr, b.out); }},
    {"not_in_its_mask", [](const Buffers& b) { CAWE_LAUNCH(not_in_its_mask, 1, 32, 0, nullptr, b.out); }},
    {"uses_freed", [](const Buffers& b) { CAWE_LAUNCH(uses_freed, 1, 32, 0, nullptr, b.freed, b.out); }},
    {"misaligns", [](const Buffers& b) { CAWE_LAUNCH(misaligns, 1, 32, 0, nullptr, b.in, b.out); }},
    {"overflows", [](const Buffers& b) { CAWE_LAUNCH(overflows, 1, 32, 0, nullptr, b.in, b.out, 1 << 30); }},
    {"writes_through_null",
     [](const Buffers& b) { CAWE_LAUNCH(writes_through_null, 1, 1, 0, nullptr, b.out); }},
    {"reads_the_host",
     [](const Buffers& b) {
       const float* heap = new float[64]();
       CAWE_LAUNCH(reads_the_host, 1, 32, 0, nullptr, heap, b.out);
       delete[] heap;
     }},
    {"half_a_warp_multiplies",
     [](const Buffers& b) { CAWE_LAUNCH(half_a_warp_multiplies, 1, 32, 0, nullptr, b.out); }},
    {"multiplies_in_two_places",
     [](const Buffers& b) { CAWE_LAUNCH(multiplies_in_two_places, 1, 32, 0, nullptr, b.out); }},
    {"multiplies_in_a_short_warp",
     [](const Buffers& b) { CAWE_LAUNCH(multiplies_in_a_short_warp, 1, 48, 0, nullptr, b.out); }},
    {"trusts_a_product", [](const Buffers& b) { CAWE_LAUNCH(trusts_a_product, 1, 32, 0, nullptr, b.out); }},
};
const size_t kBugCount = sizeof kBugs / sizeof kBugs[0];

const Bug kInnocent[] = {
    {"in_place_halves",
     [](const Buffers& b) {
       CAWE_LAUNCH(in_place_halves, 1, 64, 0, nullptr, reinterpret_cast<simt::half*>(b.out));
     }},
    {"same_value_reads",
     [](const Buffers& b) { CAWE_LAUNCH(same_value_reads, 1, 64, 0, nullptr, b.in, b.out); }},
    {"warp_synced", [](const Buffers& b) { CAWE_LAUNCH(warp_synced, 1, 32, 0, nullptr, b.out); }},
    {"counts", [](const Buffers& b) { CAWE_LAUNCH(counts, 4, 64, 0, nullptr, b.count); }},
    {"double_buffer", [](const Buffers& b) { CAWE_LAUNCH(double_buffer, 1, 64, 0, nullptr, b.in, b.out); }},
    {"last_block_adds<true>",
     [](const Buffers& b) {
       CAWE_LAUNCH(last_block_adds<true>, 8, 32, 0, nullptr, b.in, b.fresh, b.out, b.count, b.n);
     }},
    {"multiplies", [](const Buffers& b) { CAWE_LAUNCH(multiplies, 1, 64, 0, nullptr, b.out); }},
};
const size_t kInnocentCount = sizeof kInnocent / sizeof kInnocent[0];

}  // namespace cawe::planted
