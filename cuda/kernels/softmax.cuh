// SPDX-License-Identifier: Apache-2.0
// What softmax's kernels and attention's share.
#pragma once

// Included by kernel files, after simt.cuh.

namespace cawe::simt {

__device__ __forceinline__ float exponential(float x) { return expf(x); }
__device__ __forceinline__ double exponential(double x) { return exp(x); }

/// Where a running maximum starts: what has seen nothing but -inf adds exp(-inf - value) = 0, not NaN.
template <class A>
struct Lowest {
  static constexpr A value = A(-3.402823466e38f);
};
template <>
struct Lowest<double> {
  static constexpr double value = -1.7976931348623157e308;
};

/// As warp_reduce, among neighbouring groups of kLanes lanes.
template <int kLanes, class A, class Op>
__device__ __forceinline__ A lanes_reduce(A value, Op op) {
  for (int distance = kLanes / 2; distance > 0; distance /= 2)
    value = op(value, __shfl_xor_sync(0xffffffffu, value, distance));
  return value;
}

}  // namespace cawe::simt
