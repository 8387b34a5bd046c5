// SPDX-License-Identifier: Apache-2.0
// What the environment says about the CUDA backend.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

constexpr size_t kEighthOfMemory = SIZE_MAX;  ///< replaced where the device is known (runtime.cpp)

struct Settings {
  /// CAWE_CUDNN_WORKSPACE_MB: most that one library call may use; by default an eighth of the device's
  /// memory. Deterministic algorithms for channels that are no multiple of 8 copy both of their operands
  /// there.
  size_t workspace_bytes = kEighthOfMemory;
  bool tf32 = false;    ///< CAWE_TF32=1: f32 products and convolutions may round their inputs to TF32
  bool caching = true;  ///< CAWE_CUDA_CACHE=0: every tensor has memory of its own, for memory checkers
};

/// Throws Code::usage naming the variable where its value is not one.
Settings settings_from_environment();

}  // namespace CAWE_DEVICE
