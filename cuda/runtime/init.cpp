// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/init.h"

#include <cstdlib>

#include "cuda/backend/cuda_backend.h"
#include "cuda/runtime/device.h"

namespace CAWE_DEVICE {
namespace {

#if defined(CAWE_ON_CUDA)
constexpr Device kDevice = Device::cuda;
#else
constexpr Device kDevice = Device::emulated;
#endif

CudaBackend* made = nullptr;  // never destroyed: static tensors may outlive everything

}  // namespace

#if defined(CAWE_ON_CUDA)
void choose(int index) {
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  setenv("CUDA_VISIBLE_DEVICES", visible_device(visible ? visible : "", index).c_str(), 1);
  setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 0);  // nvidia-smi's order
}
#endif

bool init(std::string* why) {
  if (made) return true;
  DeviceInfo info;
  std::string reason;
  if (!find_device(info, reason)) {
    if (why) *why = reason;
    return false;
  }
  made = new CudaBackend(kDevice);
  register_backend(kDevice, made);
  return true;
}

void close() {
  register_backend(kDevice, nullptr);
  delete made;
  made = nullptr;
}

}  // namespace CAWE_DEVICE
