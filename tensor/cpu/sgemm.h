// SPDX-License-Identifier: Apache-2.0
// A single-threaded matrix product of f32 blocks, from which blocked operators are built.
#pragma once

#include <cstdint>

namespace cawe::cpu {

/// A matrix that lies row by row, `stride` numbers apart; `transposed`: its transpose is meant.
struct Block {
  const float* data;
  int64_t stride;
  bool transposed = false;
};

/// c [m, n] = alpha a [m, k] b [k, n] + beta c; where beta is 0, c is not read. c's rows lie `stride` apart.
/// The same bits for the same sizes, strides and numbers, whatever other threads do. By oneDNN where the
/// build has it. Throws Code::unsupported where oneDNN refuses.
void sgemm(int64_t m, int64_t n, int64_t k, float alpha, const Block& a, const Block& b, float beta, float* c,
           int64_t stride);

}  // namespace cawe::cpu
