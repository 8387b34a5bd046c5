// SPDX-License-Identifier: Apache-2.0
// The dialect's product on tensor cores: C += A B, A 16 x 16 and B 16 x 8 in f16 or bf16, C 16 x 8 in f32, by all 32
// lanes of a warp together. This is PTX's mma.sync.aligned.m16n8k16.row.col.f32. f16 needs sm_75, where it is two of
// m16n8k8, and bf16 sm_80. What decides is what a kernel was compiled for, not the device: PTX of an older architecture
// runs on newer devices, and has no such products there. has_mma() asks the kernel before it is launched; code without
// them stops at the first one with a trap.
//
// Where the numbers lie, with g = lane / 4 and t = lane % 4; a register holds two 16-bit numbers, the first in its low
// half:
//   a[0]  A[g][2t], A[g][2t+1]         a[1]  A[g+8][2t], A[g+8][2t+1]
//   a[2]  A[g][2t+8], A[g][2t+9]       a[3]  A[g+8][2t+8], A[g+8][2t+9]
//   b0    B[2t][g], B[2t+1][g]         b1    B[2t+8][g], B[2t+9][g]
//   c[0]  C[g][2t]    c[1]  C[g][2t+1]    c[2]  C[g+8][2t]    c[3]  C[g+8][2t+1]
//
// Products of 16-bit numbers are exact. How they and C are added is not specified: GPUs differ in order and in the
// digits that they keep, and cut where an addition of f32 rounds. The emulator adds in f64 and cuts the sum to f32. Rely
// on no order, and on no more than f32's accuracy relative to the sum of the magnitudes.
//
// All 32 lanes must come to the same call; it orders no accesses to memory, __syncwarp() does.
#pragma once

// Included by simt.cuh, after the dialect.

namespace cawe::simt {

/// 10 major + minor of the first architecture with the product.
template <class T>
constexpr int kLeastForMma = std::is_same_v<T, half> ? 75 : 80;

#if defined(__CUDACC__)

/// x in the low and y in the high half, each rounded to T (nearest, ties to even).
template <class T>
__device__ __forceinline__ uint32_t rounded_pair(float x, float y);
template <>
__device__ __forceinline__ uint32_t rounded_pair<half>(float x, float y) {
  const __half2 pair = __floats2half2_rn(x, y);
  return reinterpret_cast<const uint32_t&>(pair);
}
template <>
__device__ __forceinline__ uint32_t rounded_pair<bf16>(float x, float y) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(x, y);
  return reinterpret_cast<const uint32_t&>(pair);
}

/// 10 major + minor of the architecture that the kernel's code for the current device was compiled for (__CUDA_ARCH__ / 10,
/// also where the driver made the code from PTX); 0 where there is none, which the next launch reports.
inline int compiled_architecture(const void* kernel) {
  cudaFuncAttributes has;
  if (cudaFuncGetAttributes(&has, kernel) == cudaSuccess) return has.ptxVersion;
  cudaGetLastError();  // or the next launch would be blamed for it
  return 0;
}

template <class T>
__device__ __forceinline__ void mma_16x8x16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
#define CAWE_MMA(name)                                                                \
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." name "." name                 \
               ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])                       \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1))
  if constexpr (std::is_same_v<T, half>)
    CAWE_MMA("f16");
  else
    CAWE_MMA("bf16");
#undef CAWE_MMA
#elif __CUDA_ARCH__ >= 750
  // Eight products a sum, and two of these.
  if constexpr (std::is_same_v<T, half>) {
    for (int i = 0; i < 2; ++i)
      asm volatile(
          "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, "
          "%3};"
          : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
          : "r"(a[2 * i]), "r"(a[2 * i + 1]), "r"(i == 0 ? b0 : b1));
  }
#endif
#if defined(__CUDA_ARCH__)
  if constexpr (__CUDA_ARCH__ < 10 * kLeastForMma<T>) __trap();  // better no result than a wrong one
#endif
}

#else

/// options().architecture.
int compiled_architecture(const void* kernel);

template <class T>
CAWE_INLINE uint32_t rounded_pair(float x, float y) {
  T low, high;
  narrow(x, low);
  narrow(y, high);
  return uint32_t(to_bits(low) | to_bits(high) << 16);
}

/// What a lane brings to a product; c is replaced by its part of the result.
struct MmaOperands {
  float c[4];
  uint32_t a[4], b[2];
  bool is_bf16;
  int least_architecture;
};
void warp_product(MmaOperands* operands);

template <class T>
CAWE_INLINE void mma_16x8x16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  MmaOperands operands{
      {c[0], c[1], c[2], c[3]}, {a[0], a[1], a[2], a[3]}, {b0, b1}, std::is_same_v<T, bf16>, kLeastForMma<T>};
  warp_product(&operands);
  for (int i = 0; i < 4; ++i) c[i] = operands.c[i];
}

#endif

/// Whether the kernel, as the current device would run it, has the product for T.
template <class T, class... Parameters>
__forceinline__ bool has_mma(void (*kernel)(Parameters...)) {
  return compiled_architecture(reinterpret_cast<const void*>(kernel)) >= kLeastForMma<T>;
}

}  // namespace cawe::simt
