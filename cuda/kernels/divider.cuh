// SPDX-License-Identifier: Apache-2.0
// Division by a number known on the host: a multiplication and a shift in place of some twenty instructions.
// Source: Granlund & Montgomery 1994, "Division by invariant integers using multiplication".
#pragma once

#include "cuda/emulator/simt/simt.cuh"
#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {
namespace {

/// Largest number of elements that kernels count in 32 bits.
constexpr int64_t kMostCounted = (int64_t{1} << 31) - 1;

struct Divider {
  unsigned divisor, factor, shift;
};

/// 1 <= divisor <= kMostCounted.
inline Divider make_divider(int64_t divisor) {
  unsigned shift = 0;
  while ((int64_t{1} << shift) < divisor) ++shift;
  const uint64_t rest = (uint64_t{1} << shift) - uint64_t(divisor);
  return {unsigned(divisor), unsigned((rest << 32) / uint64_t(divisor) + 1), shift};
}

/// n / divisor, n <= kMostCounted.
__device__ __forceinline__ unsigned divide(unsigned n, const Divider& d) {
  return (unsigned(uint64_t(n) * d.factor >> 32) + n) >> d.shift;
}

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace
}  // namespace CAWE_DEVICE
