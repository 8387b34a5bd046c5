// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda/emulator/ordered.h"

#include "cuda/emulator/simt/simt.cuh"

namespace cawe::ordered {
namespace {

__global__ void add_kernel(float* p, float amount) { p[threadIdx.x] += amount; }
__global__ void move_kernel(const float* from, float* to) { to[threadIdx.x] = from[threadIdx.x]; }
__global__ void count_kernel(unsigned* count) { atomicAdd(count, 1u); }

}  // namespace

void add(float* p, float amount, int n, emulated::Stream* stream) {
  CAWE_LAUNCH(add_kernel, 1, unsigned(n), 0, stream, p, amount);
}
void move(const float* from, float* to, int n, emulated::Stream* stream) {
  CAWE_LAUNCH(move_kernel, 1, unsigned(n), 0, stream, from, to);
}
void count(unsigned* count, int n, emulated::Stream* stream) {
  CAWE_LAUNCH(count_kernel, 1, unsigned(n), 0, stream, count);
}

}  // namespace cawe::ordered
