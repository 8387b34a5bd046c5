// SPDX-License-Identifier: Apache-2.0
// Launch functions of limits.cu, for tests that are compiled without instrumentation.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cawe::limits {

struct Shape {
  unsigned grid[3] = {1, 1, 1}, block[3] = {1, 1, 1};
  size_t dynamic_shared = 0;
};

/// A kernel that writes 1 into out[0 .. threads of a block), and the most threads that a block of it may have.
struct Kernel {
  const char* name;
  unsigned bound;
  void (*launch)(float* out, const Shape& shape);
};
extern const Kernel kKernels[];
extern const size_t kKernelCount;

void launch_unbounded(float* out, const Shape& shape);
/// With 48 KB of shared memory in two arrays, and with 4 bytes more.
void launch_48_kb(float* out, const Shape& shape);
void launch_more_than_48_kb(float* out, const Shape& shape);
/// 1 KB of static shared memory; writes the last float of its dynamic one.
void launch_with_dynamic(float* out, const Shape& shape);

}  // namespace cawe::limits
