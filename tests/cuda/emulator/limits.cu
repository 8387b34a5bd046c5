// SPDX-License-Identifier: Apache-2.0
// Kernels with a bound or with much shared memory, for what a launch may ask of them.
#include "tests/cuda/emulator/limits.h"

#include "cuda/emulator/simt/simt.cuh"

namespace cawe::limits {

template <int kWarps>
struct Size {
  static constexpr int threads = kWarps * 32;
};
template <class T, int kScale>
constexpr int scaled() {
  return int(sizeof(T)) * kScale;
}
constexpr int kThreads = 96;

__device__ __forceinline__ unsigned thread_of_block() {
  return (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
}

/// Visible to other files, as a library's kernel may be.
template <int kWarps>
__global__ void __launch_bounds__(kWarps * 32, 2) shared_name(float* out) {
  out[thread_of_block()] = 1.f;
}

namespace {

__global__ void __launch_bounds__(1) single(float* out) { out[thread_of_block()] = 1.f; }

__global__ void __launch_bounds__(kThreads) by_constant(float* out) { out[thread_of_block()] = 1.f; }

__launch_bounds__(1024, 1) __global__ void before_the_type(float* out) { out[thread_of_block()] = 1.f; }

template <int kWarps>
__global__ void __launch_bounds__(Size<kWarps>::threads, 2) by_template(float* out) {
  out[thread_of_block()] = 1.f;
}

template <class T>
__global__ void __launch_bounds__(scaled<T, 25>()) by_function(float* out) {
  out[thread_of_block()] = 1.f;
}

__global__ void __launch_bounds__(64) declared_before(float* out);
__global__ void declared_before(float* out) { out[thread_of_block()] = 1.f; }

__global__ void unbounded(float* out) { out[thread_of_block()] = 1.f; }

template <int kFloats>
__global__ void two_arrays(float* out) {
  __shared__ float a[8192];
  __shared__ float b[kFloats];
  a[threadIdx.x] = 1.f;
  b[threadIdx.x] = 0.f;
  __syncthreads();
  out[threadIdx.x] = a[blockDim.x - 1 - threadIdx.x] + b[blockDim.x - 1 - threadIdx.x];
}

__global__ void with_dynamic(float* out, int floats) {
  __shared__ float kept[256];
  SIMT_DYN_SHARED(float, s);
  kept[threadIdx.x] = 1.f;
  s[floats - 1] = 1.f;
  out[threadIdx.x] = s[floats - 1] * kept[threadIdx.x];
}

dim3 grid_of(const Shape& s) { return {s.grid[0], s.grid[1], s.grid[2]}; }
dim3 block_of(const Shape& s) { return {s.block[0], s.block[1], s.block[2]}; }

}  // namespace

#define KERNEL(name, bound)                                                                                \
  {                                                                                                        \
#name, bound,                                                                                          \
        [](float* out,                                                                                     \
           const Shape& s) { CAWE_LAUNCH(name, grid_of(s), block_of(s), s.dynamic_shared, nullptr, out); } \
  }
const Kernel kKernels[] = {
    KERNEL(single, 1),
    KERNEL(by_constant, 96),
    KERNEL(before_the_type, 1024),
    KERNEL(by_template<2>, 64),
    KERNEL(by_template<7>, 224),
    KERNEL(by_function<char>, 25),
    KERNEL(by_function<double>, 200),
    KERNEL(declared_before, 64),
    KERNEL(shared_name<4>, 128),
    KERNEL(shared_name<5>, 160),
};
const size_t kKernelCount = sizeof kKernels / sizeof kKernels[0];

void launch_unbounded(float* out, const Shape& s) {
  CAWE_LAUNCH(unbounded, grid_of(s), block_of(s), s.dynamic_shared, nullptr, out);
}
void launch_48_kb(float* out, const Shape& s) {
  CAWE_LAUNCH(two_arrays<4096>, grid_of(s), block_of(s), s.dynamic_shared, nullptr, out);
}
void launch_more_than_48_kb(float* out, const Shape& s) {
  CAWE_LAUNCH(two_arrays<4097>, grid_of(s), block_of(s), s.dynamic_shared, nullptr, out);
}
void launch_with_dynamic(float* out, const Shape& s) {
  CAWE_LAUNCH(with_dynamic, grid_of(s), block_of(s), s.dynamic_shared, nullptr, out,
              int(s.dynamic_shared / sizeof(float)));
}

}  // namespace cawe::limits
