// SPDX-License-Identifier: Apache-2.0
// One number as another type, as `convert` of the CPU's backend.
#pragma once

#include <type_traits>

#include "cuda/emulator/simt/simt.cuh"
#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

template <class T>
struct IsShort {
  static constexpr bool value = false;
};
template <>
struct IsShort<half> {
  static constexpr bool value = true;
};
template <>
struct IsShort<bf16> {
  static constexpr bool value = true;
};

template <class To, class From>
__device__ __forceinline__ To converted(From v) {
  if constexpr (IsShort<From>::value) {
    return converted<To>(widen(v));
  } else if constexpr (IsShort<To>::value) {
    To y;
    narrow(float(v), y);
    return y;
  } else if constexpr (std::is_same_v<To, uint8_t> && std::is_floating_point_v<From>) {
    // Converting a negative float to u8 is undefined in C++: a CPU wraps around, a GPU clamps to 0.
    return To(int32_t(v));
  } else {
    return To(v);
  }
}

/// How many are converted by one thread: 16 bytes of the wider type.
template <class From, class To>
constexpr int kTogether = int(16 / (sizeof(From) > sizeof(To) ? sizeof(From) : sizeof(To)));

}  // namespace
}  // namespace CAWE_DEVICE
