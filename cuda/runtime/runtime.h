// SPDX-License-Identifier: Apache-2.0
// Everything that the backend has of one device. Members depend on earlier ones, so their order matters.
#pragma once

#include "cuda/runtime/allocator.h"
#include "cuda/runtime/constants.h"
#include "cuda/runtime/convolution.h"
#include "cuda/runtime/device.h"
#include "cuda/runtime/libraries.h"
#include "cuda/runtime/products.h"
#include "cuda/runtime/settings.h"
#include "cuda/runtime/staging.h"
#include "cuda/runtime/stream.h"
#include "cuda/runtime/tickets.h"

namespace CAWE_DEVICE {

/// The most that one library call may use as workspace where nothing else is set: an eighth of the device's memory.
size_t usual_workspace(const DeviceInfo& device);

struct Runtime {
  /// Throws Code::unsupported with the reason where there is no device.
  explicit Runtime(const Settings& settings);
  ~Runtime();

  DeviceInfo device;
  const Settings settings;
  OwnedStream compute, copies;
  Tickets tickets;
  Constants constants;
  DeviceAllocator allocator;
  Staging staging;
  Libraries libraries;
  Convolutions convolutions;
  Products products;
};

}  // namespace CAWE_DEVICE
