// SPDX-License-Identifier: Apache-2.0
// Launches that a driver refuses: the error that cudaGetLastError() tells, the complaint, and that nothing ran.
#include "tests/cuda/emulator/vendor/support.h"

// Behind everything else: its words are macros.
#include "cuda/emulator/simt/simt.cuh"

namespace cawe::emulated {
namespace {

using Floats = std::vector<float>;

__global__ void __launch_bounds__(128) bounded(float* p) { p[threadIdx.x] += 1.f; }

__global__ void with_dynamic(float* p) {
  SIMT_DYN_SHARED(float, s);
  s[threadIdx.x] = 1.f;
  p[threadIdx.x] += s[threadIdx.x];
}

__global__ void with_too_much(float* p) {
  __shared__ float s[16384];
  s[threadIdx.x] = 1.f;
  __syncthreads();
  p[threadIdx.x] += s[blockDim.x - 1 - threadIdx.x];
}

using EmulatedLaunchTest = EmulatedTest;

TEST_F(EmulatedLaunchTest, MoreThreadsThanTheKernelsBound) {
  DeviceArray<float> x(Floats(129, 0.f));
  StreamOwner stream;
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  CAWE_LAUNCH(bounded, 1, 128, 0, stream, x.get());
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  CAWE_LAUNCH(bounded, 1, 129, 0, stream, x.get());
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_TRUE(complained("bounded: a block of 129x1x1 = 129 threads"));
  EXPECT_TRUE(complained("__launch_bounds__(128)"));
  EXPECT_EQ(pending(), 1u) << "the refused launch is not queued";
  EXPECT_EQ(calls("kernel launch"), 2u);
  CAWE_LAUNCH(bounded, 1, 128, 0, stream, x.get());
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(x.to_host()[127], 2);
}

TEST_F(EmulatedLaunchTest, GridsAndBlocksBeyondTheDevice) {
  DeviceArray<float> x(Floats(128, 0.f));
  for (const dim3 grid : {dim3(0), dim3(1, 65536), dim3(1, 1, 65536), dim3(1, 0)}) {
    CAWE_LAUNCH(bounded, grid, 32, 0, nullptr, x.get());
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
    EXPECT_TRUE(complained("bounded: invalid launch configuration: grid"));
  }
  for (const dim3 block : {dim3(0), dim3(1025), dim3(1, 1, 65), dim3(64, 32)}) {
    CAWE_LAUNCH(with_dynamic, 1, block, 0, nullptr, x.get());
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
    EXPECT_TRUE(complained("with_dynamic: invalid launch configuration: block"));
  }
  EXPECT_EQ(x.to_host(), Floats(128, 0.f));
}

TEST_F(EmulatedLaunchTest, MoreSharedMemoryThanABlockCanHave) {
  DeviceArray<float> x(Floats(64, 0.f));
  int most = 0;
  ASSERT_EQ(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0), cudaSuccess);
  EXPECT_EQ(most, 227 << 10);
  CAWE_LAUNCH(with_dynamic, 1, 64, size_t(most), nullptr, x.get());
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  CAWE_LAUNCH(with_dynamic, 1, 64, size_t(most) + 1, nullptr, x.get());
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_TRUE(complained("with_dynamic: 0 B of static and 232449 B of dynamic shared memory"));
  CAWE_LAUNCH(with_too_much, 1, 64, 0, nullptr, x.get());
  EXPECT_EQ(cudaGetLastError(), cudaErrorNoKernelImageForDevice);
  EXPECT_TRUE(complained("with_too_much: 65536 B of static shared memory"));
  EXPECT_EQ(x.to_host(), Floats(64, 1.f));
}

}  // namespace
}  // namespace cawe::emulated
