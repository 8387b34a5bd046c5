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

__device__ __forceinline__ int64_t begin_of(const Segments& g, int64_t s) {
  return g.begin != nullptr ? g.begin[s] : s * g.longest;
}
__device__ __forceinline__ uint32_t size_of(const Segments& g, int64_t s) {
  return uint32_t(g.size != nullptr ? g.size[s] : g.longest);
}

}  // namespace
}  // namespace CAWE_DEVICE
