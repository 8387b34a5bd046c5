// SPDX-License-Identifier: Apache-2.0
// Settings of the CUDA backend from environment variables.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// Stands for an eighth of the device's memory until the device is known (runtime.cpp).
constexpr size_t kEighthOfMemory = SIZE_MAX;

/// Which of cuDNN's interfaces convolutions try first.
enum class CudnnInterface : uint8_t { legacy, graph };

/// One value for each variable.
struct Settings {
  /// CAWE_CUDNN_WORKSPACE_MB: the most that one library call may use; by default an eighth of the device's
  /// memory. Deterministic algorithms copy both operands there where the channels are no multiple of 8.
  size_t workspace_bytes = kEighthOfMemory;
  bool tf32 = false;  ///< CAWE_TF32=1: f32 products and convolutions may round their inputs to TF32
  /// CAWE_WINOGRAD=1: convolutions may use Winograd's and Fourier's transforms, which need fewer
  /// multiplications and are some digits looser.
  bool winograd = false;
  /// CAWE_CUDNN=graph: convolutions by engines of cuDNN's graph interface, by its legacy calls only where no
  /// engine will; CAWE_CUDNN=legacy: by the legacy calls.
  CudnnInterface cudnn = CudnnInterface::legacy;
  bool caching = true;  ///< CAWE_CUDA_CACHE=0: no caching, so that memory checkers see every tensor
};

/// Throws Code::usage naming the variable where its value is not one.
Settings settings_from_environment();

}  // namespace CAWE_DEVICE
