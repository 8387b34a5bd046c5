// SPDX-License-Identifier: Apache-2.0
// The emulated CUDA runtime's memory, handles, errors and faults: each check by a use that is right and one
// that is wrong.
#include <thread>

#include "cuda/emulator/vendor/streams.h"
#include "tests/cuda/emulator/vendor/support.h"

// Behind everything else: its words are macros.
#include "cuda/emulator/simt/simt.cuh"

namespace cawe::emulated {
namespace {

using Floats = std::vector<float>;

__global__ void add_to(float* p, float amount) { p[threadIdx.x] += amount; }

void add(const DeviceArray<float>& x, float amount, cudaStream_t stream) {
  CAWE_LAUNCH(add_to, 1, unsigned(x.bytes() / sizeof(float)), 0, stream, x.get(), amount);
}

// --- memory

TEST_F(EmulatedTest, MemoryIsCountedAndFreedOnce) {
  options().device_bytes = 1 << 20;
  size_t left = 0, total = 0;
  void *p = nullptr, *nothing = &p;
  ASSERT_EQ(cudaMalloc(&p, 1000), cudaSuccess);
  EXPECT_EQ(cudaMemGetInfo(&left, &total), cudaSuccess);
  EXPECT_EQ(left, (1u << 20) - 1000);
  EXPECT_EQ(total, 1u << 20);
  EXPECT_EQ(cudaMalloc(&nothing, 0), cudaSuccess);
  EXPECT_EQ(nothing, nullptr);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cudaFree(static_cast<char*>(p) + 256), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(p), cudaSuccess);
  EXPECT_EQ(cudaFree(p), cudaErrorInvalidValue);
  EXPECT_TRUE(complained("cudaFree: the pointer is not the start of a live block of cudaMalloc"));
  EXPECT_EQ(cudaMalloc(&p, (1 << 20) + 1), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(calls("cudaMalloc"), 3u);
}

TEST_F(EmulatedTest, MemoryOfOneAllocatorIsNotFreedByTheOther) {
  void *device = nullptr, *pinned = nullptr;
  ASSERT_EQ(cudaMalloc(&device, 64), cudaSuccess);
  ASSERT_EQ(cudaMallocHost(&pinned, 64), cudaSuccess);
  EXPECT_EQ(cudaFree(pinned), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeHost(device), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(device), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
}

TEST_F(EmulatedTest, CopiesStayWithinOneBlock) {
  DeviceArray<float> x(Floats{1, 2, 3, 4});
  Floats host(8);
  EXPECT_EQ(cudaMemcpy(host.data(), x.get() + 2, 8, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(host[1], 4);
  EXPECT_EQ(complaints(), 0u);
  EXPECT_EQ(cudaMemcpy(host.data(), x.get() + 2, 12, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_TRUE(complained("the source: 12 bytes from byte 8 of a block of 16 bytes"));
  EXPECT_EQ(cudaMemset(x.get(), 0, 17), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemset(host.data(), 0, 4), cudaErrorInvalidValue);
  EXPECT_TRUE(complained("lies in host memory"));
  EXPECT_EQ(cudaMemcpy(x.get(), nullptr, 4, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(x.get(), x.get() + 1, 8, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
  EXPECT_TRUE(complained("overlaps"));
  EXPECT_EQ(cudaMemcpy(x.get(), x.get() + 2, 8, cudaMemcpyDeviceToDevice), cudaSuccess);
  EXPECT_EQ(x.to_host(), (Floats{3, 4, 3, 4}));
}

TEST_F(EmulatedTest, FreedMemoryIsNotCopied) {
  void* p = nullptr;
  Floats host(4);
  ASSERT_EQ(cudaMalloc(&p, 16), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(p, host.data(), 16, cudaMemcpyHostToDevice), cudaSuccess);
  ASSERT_EQ(cudaFree(p), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(p, host.data(), 16, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_TRUE(complained("the destination"));
}

TEST_F(EmulatedTest, PinnedBlocksHaveAnEnd) {
  DeviceArray<float> x(8);
  PinnedArray<float> pinned(4);
  EXPECT_EQ(cudaMemcpy(x.get(), pinned.get(), 16, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(x.get(), pinned.get(), 32, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_TRUE(complained("of pinned memory"));
}

TEST_F(EmulatedTest, TheKindOfACopyMustBeTrue) {
  DeviceArray<float> x(Floats{5});
  float host = 0;
  EXPECT_EQ(cudaMemcpy(&host, x.get(), 4, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_TRUE(complained("from device to host, the kind says host to device"));
  EXPECT_EQ(cudaMemcpy(&host, x.get(), 4, cudaMemcpyKind(7)), cudaErrorInvalidMemcpyDirection);
  EXPECT_EQ(cudaMemcpy(&host, x.get(), 4, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(host, 5);
}

TEST_F(EmulatedTest, RowsAreCopiedWithTheirPitch) {
  DeviceArray<float> x(Floats{1, 2, 3, 4, 5, 6});
  Floats host(4);  // the first two of each row of three
  EXPECT_EQ(cudaMemcpy2DAsync(host.data(), 8, x.get(), 12, 8, 2, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(host, (Floats{1, 2, 4, 5}));
  EXPECT_EQ(cudaMemcpy2DAsync(host.data(), 8, x.get(), 12, 12, 2, cudaMemcpyDeviceToHost),
            cudaErrorInvalidPitchValue);
  EXPECT_EQ(cudaMemcpy2DAsync(host.data(), 8, x.get() + 2, 12, 8, 2, cudaMemcpyDeviceToHost),
            cudaErrorInvalidValue);
  const Floats rows{7, 8, 9, 10};
  EXPECT_EQ(cudaMemcpy2DAsync(x.get(), 12, rows.data(), 8, 8, 2, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(x.to_host(), (Floats{7, 8, 3, 9, 10, 6}));
}

TEST_F(EmulatedTest, ReadingWhatNobodyWroteIsAComplaint) {
  simt::options().level = simt::Level::check;
  DeviceArray<float> x(4), y(4);
  Floats host(4, 1);
  ASSERT_EQ(cudaMemcpy(x.get(), host.data(), 8, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(host.data(), x.get(), 8, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(complaints(), 0u);
  ASSERT_EQ(cudaMemcpy(y.get(), x.get(), 16, cudaMemcpyDeviceToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(host.data(), y.get(), 16, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_TRUE(complained("byte 8 of 16 is read, and nobody wrote it"));
}

// --- handles and leaks

TEST_F(EmulatedTest, StaleAndForeignHandlesAreKnown) {
  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;
  DeviceArray<float> x(Floats{0});
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&event), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(event, reinterpret_cast<cudaStream_t>(event)), cudaErrorInvalidResourceHandle);
  EXPECT_TRUE(complained("a live stream is expected, this is the handle of a event"));
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
  EXPECT_TRUE(complained("a handle that was destroyed"));
  EXPECT_EQ(cudaStreamDestroy(stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamSynchronize(reinterpret_cast<cudaStream_t>(&x)), cudaErrorInvalidResourceHandle);
  EXPECT_TRUE(complained("a handle that was never given out"));
  EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
  cudaGetLastError();
  add(x, 1, stream);  // a launch returns nothing: the error is kept
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(x.to_host()[0], 0);
}

TEST_F(EmulatedTest, LeaksAreListed) {
  void *device = nullptr, *pinned = nullptr;
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaMalloc(&device, 100), cudaSuccess);
  ASSERT_EQ(cudaMallocHost(&pinned, 200), cudaSuccess);
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  const std::vector<std::string> found = leaks();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0], "device memory: 100 bytes, allocation 1");
  EXPECT_EQ(found[1], "pinned memory: 200 bytes, allocation 2");
  EXPECT_EQ(found[2].substr(0, 6), "stream");
  EXPECT_EQ(cudaFree(device), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_TRUE(leaks().empty());
}

// --- faults

TEST_F(EmulatedTest, TheNthAllocationFails) {
  void *p = nullptr, *q = nullptr, *pinned = nullptr;
  inject(Fault::device_memory, 2);
  inject(Fault::host_memory);
  EXPECT_EQ(cudaMalloc(&p, 16), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&q, 16), cudaErrorMemoryAllocation);
  EXPECT_EQ(q, nullptr);
  EXPECT_EQ(cudaMalloc(&q, 16), cudaSuccess);
  EXPECT_EQ(cudaMallocHost(&pinned, 16), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMallocHost(&pinned, 16), cudaSuccess);
  EXPECT_EQ(cudaFree(p), cudaSuccess);
  EXPECT_EQ(cudaFree(q), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
}

TEST_F(EmulatedTest, ARefusedLaunchShowsInTheLastErrorAndPasses) {
  DeviceArray<float> x(Floats{1});
  inject(Fault::launch);
  add(x, 1, nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchOutOfResources);
  add(x, 1, nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(x.to_host()[0], 2);
}

TEST_F(EmulatedTest, AnAsynchronousErrorComesAtTheNextWaitAndStays) {
  void* p = nullptr;
  ASSERT_EQ(cudaMalloc(&p, 16), cudaSuccess);
  inject(Fault::asynchronous);
  EXPECT_EQ(cudaMemsetAsync(p, 0, 16), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress) << "it cannot be cleared";
  EXPECT_EQ(cudaMemsetAsync(p, 0, 16), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaFree(p), cudaErrorIllegalAddress);
  EXPECT_TRUE(leaks().empty()) << "what is released is released all the same";
}

TEST_F(EmulatedTest, ALaunchThatFailsIsAnAsynchronousError) {
  queue_launch(nullptr, "broken", [] { fail(Code::internal, "a planted failure"); });
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_TRUE(complained("broken: a planted failure"));
}

// --- device and host

TEST_F(EmulatedTest, TheDeviceTellsWhatItIs) {
  int count = 0, value = 0, device = -1;
  cudaDeviceProp prop;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(count, 1);
  EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetDevice(&device), cudaSuccess);
  EXPECT_EQ(device, 0);
  EXPECT_EQ(cudaGetDeviceProperties(&prop, 0), cudaSuccess);
  EXPECT_EQ(std::string(prop.name), "emulated by cawe");
  EXPECT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 0), cudaSuccess);
  EXPECT_EQ(value, prop.multiProcessorCount);
  EXPECT_STREQ(cudaGetErrorName(cudaErrorNotReady), "cudaErrorNotReady");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
  options().devices = 0;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  EXPECT_EQ(count, 0);
  EXPECT_EQ(cudaSetDevice(0), cudaErrorNoDevice);
}

TEST_F(EmulatedTest, ErrorsBelongToTheirThread) {
  std::thread other([] { EXPECT_EQ(cudaSetDevice(5), cudaErrorInvalidDevice); });
  other.join();
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(5), cudaErrorInvalidDevice);
  reset_for_tests();
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(EmulatedTest, WithTheGuardOnlyCopiesAndKernelsTouchTheDevice) {
  simt::options().guard = true;
  DeviceArray<float> x(Floats{1});
  add(x, 1, nullptr);
  EXPECT_EQ(x.to_host()[0], 2);
  EXPECT_DEATH(
      {
        volatile float seen = *x.get();
        (void)seen;
      },
      "");
}

}  // namespace
}  // namespace cawe::emulated
