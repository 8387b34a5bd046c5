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

}  // namespace

Runtime::Runtime(const Settings& chosen)
    : settings(chosen),
      device(found_device()),
      allocator(chosen.caching),
      staging(allocator, compute, copies),
      libraries(compute),
      convolutions(libraries, allocator, chosen),
      products(libraries, allocator, chosen) {}

Runtime::~Runtime() {
  cudaStreamSynchronize(compute.get());  // an error has nobody left to tell
  cudaStreamSynchronize(copies.get());
}

}  // namespace CAWE_DEVICE
