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
  const VisibleDevice device = visible_device(std::getenv("CUDA_VISIBLE_DEVICES"), index);
  if (device.in_order_of_buses) setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 0);
  setenv("CUDA_VISIBLE_DEVICES", device.name.c_str(), 1);
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
  made = make_backend(kDevice).release();
  register_backend(kDevice, made);
  return true;
}

void close() {
  register_backend(kDevice, nullptr);
  delete made;
  made = nullptr;
}

}  // namespace CAWE_DEVICE
