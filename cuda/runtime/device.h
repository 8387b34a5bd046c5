// SPDX-License-Identifier: Apache-2.0
// Whether there is a GPU, and which. The backend runs on device 0, on every thread; CUDA_VISIBLE_DEVICES
// decides which GPU that is.
#pragma once

#include <string>

#include "cuda/runtime/api.h"

namespace CAWE_DEVICE {

/// A device and the versions around it.
struct DeviceInfo {
  std::string name;
  int major = 0, minor = 0;  ///< compute capability
  int multiprocessors = 0;
  size_t memory_bytes = 0;
  int runtime = 0, driver = 0;  ///< CUDA versions, 1000 * major + 10 * minor
};

/// False where there is no usable device; `why` then says so in a sentence, with a remedy. Sets the calling
/// thread's device to it (other threads start with device 0).
bool find_device(DeviceInfo& info, std::string& why);

/// The sentence for a machine without a usable device. driver: its CUDA version, 0 where none is loaded.
std::string reason_without_device(cudaError_t status, int runtime, int driver);

/// What makes one GPU device 0.
struct VisibleDevice {
  std::string name;        ///< for CUDA_VISIBLE_DEVICES
  bool in_order_of_buses;  ///< `name` is a number as nvidia-smi counts: CUDA_DEVICE_ORDER must say so
};
/// The GPU with this index among those that CUDA_VISIBLE_DEVICES names; `given` is the variable's value, nullptr where it is
/// not set, and all are. What it names was counted in the order that was set then, which must stay. Throws Code::usage
/// where it names fewer; it is empty where this program was given no GPU.
VisibleDevice visible_device(const char* given, int index);

/// 13020 as "13.2".
std::string cuda_version_text(int version);

/// E.g. "CUDA 13.0, cuDNN 9.19.0, cuBLASLt 13.0.2, driver 13.0, NVIDIA H100 (sm_90, 132 SMs, 79 GiB)".
std::string describe(const DeviceInfo& info);

}  // namespace CAWE_DEVICE
