// SPDX-License-Identifier: Apache-2.0
// Small device functions that many kernels share: packed loads, warp and block reductions, in a fixed order.
#pragma once

// Included by simt.cuh, after the dialect.

namespace cawe::simt {

/// N numbers that lie together and are loaded by one instruction (at most 16 bytes).
template <class T, int N>
struct alignas(sizeof(T) * N) Pack {
  static_assert(sizeof(T) * N <= 16, "no load is wider than 16 bytes");
  T v[N];
};

/// As many numbers of type T as one 128-bit load holds.
template <class T>
constexpr int kPerLoad = int(16 / sizeof(T));

/// What sums of T are kept in: float for float and the 16-bit formats, double for double.
template <class T>
struct AccumulatorOf {
  using type = float;
};
template <>
struct AccumulatorOf<double> {
  using type = double;
};
template <class T>
using Accumulator = typename AccumulatorOf<T>::type;

/// x rounded to T (nearest, ties to even); the other way is widen(x).
template <class T>
__device__ __forceinline__ T rounded(Accumulator<T> x) {
  T y;
  narrow(x, y);
  return y;
}

// Each operation rounded by itself, in float or double: nvcc joins a * b + c into one rounding unless told
// otherwise, the CPU never does.
__device__ __forceinline__ float add_rn(float a, float b) { return __fadd_rn(a, b); }
__device__ __forceinline__ float sub_rn(float a, float b) { return __fsub_rn(a, b); }
__device__ __forceinline__ float mul_rn(float a, float b) { return __fmul_rn(a, b); }
__device__ __forceinline__ float div_rn(float a, float b) { return __fdiv_rn(a, b); }
__device__ __forceinline__ double add_rn(double a, double b) { return __dadd_rn(a, b); }
__device__ __forceinline__ double sub_rn(double a, double b) { return __dsub_rn(a, b); }
__device__ __forceinline__ double mul_rn(double a, double b) { return __dmul_rn(a, b); }
__device__ __forceinline__ double div_rn(double a, double b) { return __ddiv_rn(a, b); }

struct Sum {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Max {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};
struct Min {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a < b ? a : b;
  }
};

/// All lanes of the warp get op over its 32 values, always added in the same order (a butterfly).
template <class T, class Op>
__device__ __forceinline__ T warp_reduce(T value, Op op) {
  for (int distance = 16; distance > 0; distance /= 2)
    value = op(value, __shfl_xor_sync(0xffffffffu, value, distance));
  return value;
}

/// Thread 0 gets op over the block (blockDim.x a multiple of 32, at most 1024); `identity` is op's neutral
/// value. Call it with all threads. `partial` is shared memory for 32 values; a barrier must lie between two
/// uses of it.
template <class T, class Op>
__device__ __forceinline__ T block_reduce(T value, Op op, T identity, T* partial) {
  const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  value = warp_reduce(value, op);
  if (lane == 0) partial[warp] = value;
  __syncthreads();
  if (warp == 0) value = warp_reduce(lane < blockDim.x / 32 ? partial[lane] : identity, op);
  return value;
}

}  // namespace cawe::simt
