// SPDX-License-Identifier: Apache-2.0
// What a launch may ask of a device and of a kernel: the most of everything runs, one more is refused.
#include <gtest/gtest.h>

#include "tensor/error.h"
#include "tests/cuda/device_buffer.h"
#include "tests/cuda/emulator/limits.h"

namespace cawe::limits {
namespace {

class Limits : public testing::Test {
 protected:
  void TearDown() override { simt::options() = {}; }

  /// What the launch is refused with, "" where it ran and wrote what it should.
  std::string refusal(void (*launch)(float*, const Shape&), const Shape& shape) {
    const size_t threads = size_t(shape.block[0]) * shape.block[1] * shape.block[2];
    simt::DeviceBuffer<float> out(std::vector<float>(2048, 0.f));
    try {
      launch(out.get(), shape);
    } catch (const Error& error) {
      return error.what();
    }
    std::vector<float> expected(2048, 0.f);
    std::fill_n(expected.begin(), threads, 1.f);
    EXPECT_EQ(out.to_host(), expected);
    return "";
  }

  static void expect_words(const std::string& text, const std::string& words) {
    EXPECT_NE(text.find(words), std::string::npos) << "\"" << text << "\" without \"" << words << "\"";
  }
};

TEST_F(Limits, ABlockHasNoMoreThreadsThanTheKernelsBound) {
  for (size_t i = 0; i < kKernelCount; ++i) {
    const Kernel& kernel = kKernels[i];
    SCOPED_TRACE(kernel.name);
    EXPECT_EQ(refusal(kernel.launch, {{1, 1, 1}, {kernel.bound, 1, 1}}), "");
    if (kernel.bound == 1024) continue;
    const std::string why = refusal(kernel.launch, {{1, 1, 1}, {kernel.bound + 1, 1, 1}});
    expect_words(why, kernel.name);
    expect_words(why, std::to_string(kernel.bound + 1) + "x1x1");
    expect_words(why, "__launch_bounds__(" + std::to_string(kernel.bound) + ")");
  }
}

TEST_F(Limits, TheBoundIsOfAllThreeDirections) {
  EXPECT_EQ(refusal(kKernels[1].launch, {{1, 1, 1}, {8, 4, 3}}), "");
  expect_words(refusal(kKernels[1].launch, {{1, 1, 1}, {8, 4, 4}}), "8x4x4 = 128 threads");
}

TEST_F(Limits, BlocksHaveTheDevicesLimits) {
  EXPECT_EQ(refusal(launch_unbounded, {{1, 1, 1}, {1024, 1, 1}}), "");
  EXPECT_EQ(refusal(launch_unbounded, {{1, 1, 1}, {1, 16, 64}}), "");
  expect_words(refusal(launch_unbounded, {{1, 1, 1}, {1025, 1, 1}}), "block 1025x1x1");
  expect_words(refusal(launch_unbounded, {{1, 1, 1}, {33, 32, 1}}), "block 33x32x1");
  expect_words(refusal(launch_unbounded, {{1, 1, 1}, {1, 1, 65}}), "block 1x1x65");
  expect_words(refusal(launch_unbounded, {{1, 1, 1}, {32, 0, 1}}), "block 32x0x1");
}

TEST_F(Limits, GridsHaveTheDevicesLimits) {
  EXPECT_EQ(refusal(kKernels[0].launch, {{1, 65535, 1}, {1, 1, 1}}), "");
  EXPECT_EQ(refusal(kKernels[0].launch, {{1, 1, 65535}, {1, 1, 1}}), "");
  EXPECT_EQ(refusal(kKernels[0].launch, {{65536, 1, 1}, {1, 1, 1}}), "");
  expect_words(refusal(kKernels[0].launch, {{0, 1, 1}, {1, 1, 1}}), "grid 0x1x1");
  expect_words(refusal(kKernels[0].launch, {{1, 1, 0}, {1, 1, 1}}), "grid 1x1x0");
  expect_words(refusal(kKernels[0].launch, {{1, 65536, 1}, {1, 1, 1}}), "grid 1x65536x1");
  expect_words(refusal(kKernels[0].launch, {{1, 1, 65536}, {1, 1, 1}}), "grid 1x1x65536");
  expect_words(refusal(kKernels[0].launch, {{0x80000000u, 1, 1}, {1, 1, 1}}), "grid 2147483648x1x1");
}

// ptxas: at most 0xc000 bytes.
TEST_F(Limits, StaticSharedMemoryEndsAt48KB) {
  EXPECT_EQ(refusal(launch_48_kb, {{1, 1, 1}, {64, 1, 1}}), "");
  expect_words(refusal(launch_more_than_48_kb, {{1, 1, 1}, {64, 1, 1}}), "49156 B of static shared memory");
}

// 1 KB of it is static. CAWE_LAUNCH asks for what is above 48 KB.
TEST_F(Limits, AllSharedMemoryEndsWhereTheDevicesDoes) {
  for (const size_t most : {64u, 99u, 163u, 227u}) {
    SCOPED_TRACE(most);
    simt::options().most_shared = most << 10;
    EXPECT_EQ(refusal(launch_with_dynamic, {{1, 1, 1}, {64, 1, 1}, (most - 1) << 10}), "");
    expect_words(refusal(launch_with_dynamic, {{1, 1, 1}, {64, 1, 1}, ((most - 1) << 10) + 4}),
                 "1024 B of static and " + std::to_string(((most - 1) << 10) + 4) + " B of dynamic");
  }
}

}  // namespace
}  // namespace cawe::limits
