// SPDX-License-Identifier: Apache-2.0
// Divides the scratch memory of a launch function into arrays. Host side of kernel files only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cawe {

/// Hands out arrays one after another, 256-byte aligned. Constructed with nullptr it only measures: `used` is
/// then the number of bytes that the same calls will need.
struct Scratch {
  char* base;
  size_t used = 0;

  __attribute__((always_inline)) explicit Scratch(void* memory) : base(static_cast<char*>(memory)) {}
  template <class T>
  __attribute__((always_inline)) T* take(int64_t n) {
    char* const at = base == nullptr ? nullptr : base + used;
    used += (size_t(n) * sizeof(T) + 255) / 256 * 256;
    return reinterpret_cast<T*>(at);
  }
};

}  // namespace cawe
