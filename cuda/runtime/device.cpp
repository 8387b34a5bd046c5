// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/device.h"

#include <algorithm>

#include "cuda/runtime/errors.h"

namespace CAWE_DEVICE {
namespace {

/// 90102 as "9.1.2", the version numbers of cuDNN and cuBLASLt.
std::string library_version_text(size_t version) {
  return detail::concat(version / 10000, ".", version / 100 % 100, ".", version % 100);
}

}  // namespace

VisibleDevice visible_device(const char* given, int index) {
  if (!given) return {std::to_string(index), true};
  const std::string now = given;
  CAWE_CHECK(!now.empty(), Code::usage, "no GPU ", index,
             ": CUDA_VISIBLE_DEVICES is set and empty, which allows none (unset it, or use --device cpu)");
  size_t begin = 0;
  for (int i = 0;; ++i) {
    const size_t end = std::min(now.find(',', begin), now.size());
    if (i == index) return {now.substr(begin, end - begin), false};
    CAWE_CHECK(end < now.size(), Code::usage, "no GPU ", index, ": CUDA_VISIBLE_DEVICES=", now, " names ",
               i + 1, " (the first is 0)");
    begin = end + 1;
  }
}

std::string cuda_version_text(int version) {
  return detail::concat(version / 1000, ".", version % 1000 / 10);
}

std::string reason_without_device(cudaError_t status, int runtime, int driver) {
  if (driver == 0) return "no NVIDIA driver is loaded (nvidia-smi should list the GPU). Use --device cpu.";
  if (status == cudaErrorInsufficientDriver)
    return detail::concat("the driver supports CUDA ", cuda_version_text(driver), ", this build needs ",
                          cuda_version_text(runtime), ". Update the driver, or use --device cpu.");
  if (status == cudaErrorNoDevice || status == cudaSuccess)
    return "the driver sees no GPU (check nvidia-smi and CUDA_VISIBLE_DEVICES). Use --device cpu.";
  return describe(status);
}

bool find_device(DeviceInfo& info, std::string& why) {
  info = DeviceInfo{};
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) cudaGetLastError();
  CAWE_CUDA(cudaRuntimeGetVersion(&info.runtime));
  if (cudaDriverGetVersion(&info.driver) != cudaSuccess) info.driver = 0;
  if (status != cudaSuccess || count == 0) {
    why = reason_without_device(status, info.runtime, info.driver);
    return false;
  }
  cudaDeviceProp properties{};
  CAWE_CUDA(cudaSetDevice(0));
  CAWE_CUDA(cudaGetDeviceProperties(&properties, 0));
  info.name = properties.name;
  info.major = properties.major;
  info.minor = properties.minor;
  info.multiprocessors = properties.multiProcessorCount;
  info.memory_bytes = properties.totalGlobalMem;
  return true;
}

std::string describe(const DeviceInfo& d) {
  return detail::concat("CUDA ", cuda_version_text(d.runtime), ", cuDNN ",
                        library_version_text(cudnnGetVersion()), ", cuBLASLt ",
                        library_version_text(cublasLtGetVersion()), ", driver ", cuda_version_text(d.driver),
                        ", ", d.name, " (sm_", d.major, d.minor, ", ", d.multiprocessors, " SMs, ",
                        d.memory_bytes >> 30, " GiB)");
}

}  // namespace CAWE_DEVICE
