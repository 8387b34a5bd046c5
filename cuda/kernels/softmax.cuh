// SPDX-License-Identifier: Apache-2.0
// Shared by the kernels of softmax and of attention.
#pragma once

// Included by kernel files, after simt.cuh.

namespace cawe::simt {

__device__ __forceinline__ float exponential(float x) { return expf(x); }
__device__ __forceinline__ double exponential(double x) { return exp(x); }

/// Where a running maximum starts: a thread that has seen only -inf adds exp(-inf - value) = 0, not NaN.
template <class A>
struct Lowest {
  static constexpr A value = A(-3.402823466e38f);
};
template <>
struct Lowest<double> {
  static constexpr double value = -1.7976931348623157e308;
};

/// Like warp_reduce, within groups of kLanes neighbouring lanes.
template <int kLanes, class A, class Op>
__device__ __forceinline__ A lanes_reduce(A value, Op op) {
  for (int distance = kLanes / 2; distance > 0; distance /= 2)
    value = op(value, __shfl_xor_sync(0xffffffffu, value, distance));
  return value;
}

}  // namespace cawe::simt
