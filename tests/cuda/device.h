// SPDX-License-Identifier: Apache-2.0
// Which device a test program is for: the emulated one, or the GPU (then -DCAWE_ON_CUDA; scripts/gpu-check
// runs those).
#pragma once

#include <gtest/gtest.h>

#include "cuda/kernels/types.h"
#include "cuda/runtime/init.h"
#include "tensor/backend.h"
#if !defined(CAWE_ON_CUDA)
#include "cuda/emulator/vendor/control.h"
#endif

namespace cawe {

#if defined(CAWE_ON_CUDA)
constexpr Device kDevice = Device::cuda;
#else
constexpr Device kDevice = Device::emulated;
#endif

/// Makes the device ready; its tests fail where it is not.
class DeviceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string why;
    ready_ = CAWE_DEVICE::init(&why);
    EXPECT_TRUE(ready_) << why;
  }
  void SetUp() override { ASSERT_TRUE(ready_); }
#if !defined(CAWE_ON_CUDA)
  void TearDown() override {
    for (const std::string& use : emulated::unordered_uses()) ADD_FAILURE() << use;
  }
#endif

 private:
  static inline bool ready_ = false;
};

/// And the device is the one that networks are put on, as `--device` does.
class OnDeviceTest : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    set_compute_device(kDevice);
  }
  void TearDown() override {
    set_compute_device(Device::cpu);
    DeviceTest::TearDown();
  }
};

}  // namespace cawe
