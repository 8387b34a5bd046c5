// SPDX-License-Identifier: Apache-2.0
// The dialect under nvcc: CUDA itself, and the few names that CUDA lacks.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

/// Before a loop over an array in registers: only constant indices keep it there.
#define CAWE_UNROLL _Pragma("unroll")

/// Dynamic shared memory of the block as an array of T called `name`.
#define SIMT_DYN_SHARED(T, name)                                    \
  extern __shared__ __align__(16) unsigned char name##_of_launch[]; \
  T* name = reinterpret_cast<T*>(name##_of_launch)

namespace cawe::on_cuda {
/// Throws Error(Code::unsupported or internal) naming the kernel where `status` is not cudaSuccess.
void check_launch(const char* kernel, cudaError_t status);
}  // namespace cawe::on_cuda

namespace cawe::simt {

using half = __half;
using bf16 = __nv_bfloat16;
__device__ __forceinline__ float widen(float x) { return x; }
__device__ __forceinline__ double widen(double x) { return x; }
__device__ __forceinline__ float widen(half x) { return __half2float(x); }
__device__ __forceinline__ float widen(bf16 x) { return __bfloat162float(x); }
__device__ __forceinline__ void narrow(float x, float& y) { y = x; }
__device__ __forceinline__ void narrow(double x, double& y) { y = x; }
__device__ __forceinline__ void narrow(float x, half& y) { y = __float2half_rn(x); }
__device__ __forceinline__ void narrow(float x, bf16& y) { y = __float2bfloat16_rn(x); }

/// Lets the kernel have as much dynamic shared memory as the device gives: more than 48 KB, static arrays
/// included, must be asked for. Where even that is too little, the launch says so.
inline void allow_shared(const void* kernel, size_t bytes) {
  cudaFuncAttributes has;
  int device = 0, most = 0;
  if (bytes == 0 || cudaFuncGetAttributes(&has, kernel) != cudaSuccess ||
      bytes <= size_t(has.maxDynamicSharedSizeBytes))
    return;
  if (cudaGetDevice(&device) != cudaSuccess ||
      cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device) != cudaSuccess)
    return;
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most - int(has.sharedSizeBytes));
}

template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared,
            cudaStream_t stream, Arguments... arguments) {
  allow_shared(reinterpret_cast<const void*>(kernel), shared);
  kernel<<<grid, block, shared, stream>>>(static_cast<Parameters>(arguments)...);
  on_cuda::check_launch(name, cudaGetLastError());
}

}  // namespace cawe::simt

/// CAWE_LAUNCH(kernel, grid, block, shared bytes, stream, arguments...); (kernel<A, B>) where a comma is in
/// it.
#define CAWE_LAUNCH(kernel, ...) ::cawe::simt::launch(#kernel, kernel, __VA_ARGS__)
