// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/runtime.h"

namespace CAWE_DEVICE {
namespace {

DeviceInfo found_device() {
  DeviceInfo info;
  std::string why;
  CAWE_CHECK(find_device(info, why), Code::unsupported, current_operator(), ": ", why);
  return info;
}

Settings completed(Settings settings, const DeviceInfo& device) {
  if (settings.workspace_bytes == kEighthOfMemory) settings.workspace_bytes = usual_workspace(device);
  return settings;
}

}  // namespace

size_t usual_workspace(const DeviceInfo& device) { return device.memory_bytes / 8; }

Runtime::Runtime(const Settings& chosen)
    : device(found_device()),
      settings(completed(chosen, device)),
      tickets(compute),
      constants(copies),
      allocator(settings.caching),
      staging(allocator, compute, copies),
      libraries(compute),
      convolutions(libraries, allocator, settings),
      products(libraries, allocator, settings) {
#if !defined(CAWE_ON_CUDA)
  set_launch_check([](const char* kernel) { check_launch(kernel, cudaGetLastError()); });
#endif
}

Runtime::~Runtime() {
#if !defined(CAWE_ON_CUDA)
  set_launch_check(nullptr);
#endif
  cudaStreamSynchronize(compute.get());  // its error could be reported to nobody any more
  cudaStreamSynchronize(copies.get());
}

}  // namespace CAWE_DEVICE
