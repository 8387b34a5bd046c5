// SPDX-License-Identifier: Apache-2.0
// Shared by kernels whose results are choices (an order, a kept box): f32 or f64 only, numbers as bits,
// segments.
#pragma once

#include <cstring>

#include "cuda/emulator/simt/simt.cuh"
#include "cuda/kernels/segments.h"
#include "cuda/kernels/types.h"

/// Runs the statement with T = float or double: operators that choose have no 16-bit form.
#define CAWE_DISPATCH_EXACT(number, T, ...)     \
  if ((number) == ::cawe::Number::f64) {        \
    using T = double;                           \
    __VA_ARGS__;                                \
  } else if ((number) == ::cawe::Number::f32) { \
    using T = float;                            \
    __VA_ARGS__;                                \
  } else {                                      \
    __builtin_trap();                           \
  }

namespace CAWE_DEVICE {
namespace {

using namespace simt;

/// An unsigned integer as wide as T.
template <class T>
struct BitsOf {
  using type = uint32_t;
};
template <>
struct BitsOf<double> {
  using type = unsigned long long;
};
template <class T>
using Bits = typename BitsOf<T>::type;

__device__ __forceinline__ uint32_t bits_of(float x) { return __float_as_uint(x); }
__device__ __forceinline__ unsigned long long bits_of(double x) {
  unsigned long long bits = 0;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/// g.end[part], 0 for part -1. By comparisons: an index that only the running kernel knows would put the whole parameter
/// into local memory.
__device__ __forceinline__ int64_t end_of(const Segments& g, int64_t part) {
  int64_t end = 0;
  CAWE_UNROLL
  for (int p = 0; p < kMostParts; ++p)
    if (p == part) end = g.end[p];
  return end;
}
__device__ __forceinline__ int64_t begin_of(const Segments& g, int64_t s) {
  if (g.parts > 0) return s / g.parts * g.width + end_of(g, s % g.parts - 1);
  return g.begin != nullptr ? g.begin[s] : s * g.longest;
}
__device__ __forceinline__ uint32_t size_of(const Segments& g, int64_t s) {
  if (g.parts > 0) return uint32_t(end_of(g, s % g.parts) - end_of(g, s % g.parts - 1));
  return uint32_t(g.size != nullptr ? g.size[s] : g.longest);
}

/// Counts of what the warps of a block keep in a round, of even and of odd rounds, so that one barrier a round is enough.
template <int kThreads>
struct KeptByWarp {
  int count[2][kThreads / 32];
};

/// Rounds in which a block writes what its threads keep, in their order. In each round all threads call count(), wait at a
/// barrier and call place().
template <int kThreads>
struct InOrder {
  KeptByWarp<kThreads>* warps;  ///< shared
  int64_t kept = 0;             ///< until now, the same for all threads
  int round = 0, before = 0;
  __device__ __forceinline__ void count(bool keep) {
    const unsigned lane = threadIdx.x % 32, keepers = __ballot_sync(0xffffffffu, keep);
    if (lane == 0) warps->count[round % 2][threadIdx.x / 32] = __popc(keepers);
    before = __popc(keepers & ((1u << lane) - 1));
  }
  /// Where this thread's goes, among all that is kept in this round and before.
  __device__ __forceinline__ int64_t place() {
    const unsigned warp = threadIdx.x / 32;
    const int* counts = warps->count[round++ % 2];
    int64_t at = kept + before;
    for (unsigned w = 0; w < kThreads / 32; ++w) {
      if (w < warp) at += counts[w];
      kept += counts[w];
    }
    return at;
  }
};

}  // namespace
}  // namespace CAWE_DEVICE
