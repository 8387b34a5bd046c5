// SPDX-License-Identifier: Apache-2.0
// The emulated CUDA runtime's streams and events: work that waits as long as it may, so that what nothing
// orders shows.
#include <thread>

#include "tests/cuda/emulator/vendor/support.h"

// Behind everything else: its words are macros.
#include "cuda/emulator/simt/simt.cuh"

namespace cawe::emulated {
namespace {

using Floats = std::vector<float>;

__global__ void add_to(float* p, float amount) { p[threadIdx.x] += amount; }

using EmulatedStreamsTest = EmulatedTest;

void add(const DeviceArray<float>& x, float amount, cudaStream_t stream) {
  CAWE_LAUNCH(add_to, 1, unsigned(x.bytes() / sizeof(float)), 0, stream, x.get(), amount);
}

TEST_F(EmulatedStreamsTest, WorkRunsOnlyWhereSomethingWaits) {
  StreamOwner stream;
  DeviceArray<float> x(Floats{1, 1});
  PinnedArray<float> out(2);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  out[0] = -1;
  add(x, 2, stream);
  ASSERT_EQ(cudaMemcpyAsync(out.get(), x.get(), 8, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_EQ(out[0], -1) << "read before the wait";
  EXPECT_EQ(pending(), 2u);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(out[0], 3);
  EXPECT_EQ(pending(), 0u);
  EXPECT_EQ(calls("kernel launch"), 1u);
}

TEST_F(EmulatedStreamsTest, EagerlyWorkRunsAtOnce) {
  options().schedule = Schedule::eager;
  StreamOwner stream;
  DeviceArray<float> x(Floats{1, 1});
  PinnedArray<float> out(2);
  add(x, 2, stream);
  ASSERT_EQ(cudaMemcpyAsync(out.get(), x.get(), 8, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_EQ(out[0], 3);
  EXPECT_EQ(pending(), 0u);
}

TEST_F(EmulatedStreamsTest, APinnedSourceIsReadWhenTheStreamRuns) {
  StreamOwner stream;
  DeviceArray<float> x(1);
  PinnedArray<float> staging(1);
  float pageable = 1;
  staging[0] = 1;
  ASSERT_EQ(cudaMemcpyAsync(x.get(), staging.get(), 4, cudaMemcpyHostToDevice, stream), cudaSuccess);
  staging[0] = 2;  // reused too early
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(x.to_host()[0], 2);
  ASSERT_EQ(cudaMemcpyAsync(x.get(), &pageable, 4, cudaMemcpyHostToDevice, stream), cudaSuccess);
  pageable = 2;  // allowed: it was staged by the call
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(x.to_host()[0], 1);
}

TEST_F(EmulatedStreamsTest, ACopyToPageableMemoryWaits) {
  StreamOwner stream;
  DeviceArray<float> x(Floats{1});
  float host = 0;
  add(x, 1, stream);
  EXPECT_EQ(cudaMemcpyAsync(&host, x.get(), 4, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_EQ(host, 2);
}

/// A producer on one stream, a consumer on another.
float consume(bool with_event) {
  StreamOwner producer(cudaStreamNonBlocking), consumer(cudaStreamNonBlocking);
  EventOwner ready;
  DeviceArray<float> x(Floats{1}), y(Floats{0});
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  add(x, 1, producer);
  EXPECT_EQ(cudaEventRecord(ready, producer), cudaSuccess);
  add(x, 10, producer);  // after the event: nobody waits for it
  if (with_event) {
    EXPECT_EQ(cudaStreamWaitEvent(consumer, ready), cudaSuccess);
  }
  EXPECT_EQ(cudaMemcpyAsync(y.get(), x.get(), 4, cudaMemcpyDeviceToDevice, consumer), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(consumer), cudaSuccess);
  return y.to_host()[0];
}

TEST_F(EmulatedStreamsTest, AMissingEventShowsAsStaleData) {
  EXPECT_EQ(consume(true), 2);
  EXPECT_EQ(consume(false), 1);
  options().schedule = Schedule::eager;
  EXPECT_EQ(consume(true), 12);
}

TEST_F(EmulatedStreamsTest, UnorderedStreamsRunByAgeOrTheOtherWayRound) {
  const auto last_writer = [](Schedule schedule) {
    options().schedule = schedule;
    StreamOwner older(cudaStreamNonBlocking), newer(cudaStreamNonBlocking);
    DeviceArray<float> x(1), one(Floats{1}), two(Floats{2});
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(cudaMemcpyAsync(x.get(), one.get(), 4, cudaMemcpyDeviceToDevice, newer), cudaSuccess);
    EXPECT_EQ(cudaMemcpyAsync(x.get(), two.get(), 4, cudaMemcpyDeviceToDevice, older), cudaSuccess);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    return x.to_host()[0];
  };
  EXPECT_EQ(last_writer(Schedule::lazy), 1);
  EXPECT_EQ(last_writer(Schedule::lazy_newest_first), 2);
}

TEST_F(EmulatedStreamsTest, TheLegacyStreamWaitsForBlockingStreamsAlone) {
  StreamOwner blocking, free(cudaStreamNonBlocking);
  DeviceArray<float> x(Floats{1}), y(Floats{1});
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  add(x, 1, blocking);
  add(y, 1, free);
  float a = 0, b = 0;
  EXPECT_EQ(cudaMemcpy(&a, x.get(), 4, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(&b, y.get(), 4, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(a, 2);
  EXPECT_EQ(b, 1) << "a non-blocking stream is not waited for";
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

TEST_F(EmulatedStreamsTest, BlockingStreamsWaitForTheLegacyStream) {
  const auto read_after_legacy = [](unsigned flags) {
    StreamOwner stream(flags);
    DeviceArray<float> x(Floats{1});
    PinnedArray<float> out(1);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    add(x, 1, nullptr);
    EXPECT_EQ(cudaMemcpyAsync(out.get(), x.get(), 4, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    return out[0];
  };
  EXPECT_EQ(read_after_legacy(cudaStreamDefault), 2);
  EXPECT_EQ(read_after_legacy(cudaStreamNonBlocking), 1);
}

TEST_F(EmulatedStreamsTest, ALegacyCopyBringsTheWorkBeforeItAlong) {
  StreamOwner blocking, reader(cudaStreamNonBlocking);
  EventOwner copied;
  DeviceArray<float> x(Floats{1}), y(Floats{0});
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  add(x, 1, blocking);
  ASSERT_EQ(cudaMemcpyAsync(y.get(), x.get(), 4, cudaMemcpyDeviceToDevice, nullptr), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(copied, nullptr), cudaSuccess);
  add(x, 1, blocking);  // behind the copy
  EXPECT_EQ(cudaStreamWaitEvent(reader, copied), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(reader), cudaSuccess);
  EXPECT_EQ(pending(), 1u);
  EXPECT_EQ(y.to_host()[0], 2);
}

TEST_F(EmulatedStreamsTest, FreeingWaitsForTheDevice) {
  StreamOwner stream;
  PinnedArray<float> out(1);
  {
    DeviceArray<float> x(Floats{1});
    add(x, 1, stream);
    ASSERT_EQ(cudaMemcpyAsync(out.get(), x.get(), 4, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  }
  EXPECT_EQ(pending(), 0u);
  EXPECT_EQ(out[0], 2);
}

TEST_F(EmulatedStreamsTest, PollingGetsOn) {
  StreamOwner stream;
  EventOwner event;
  DeviceArray<float> x(Floats{0});
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess) << "never recorded";
  add(x, 1, stream);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  add(x, 1, stream);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);  // the kernel
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);  // the record itself
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
  EXPECT_EQ(x.to_host()[0], 2);
}

TEST_F(EmulatedStreamsTest, EventsMeasureTime) {
  StreamOwner stream;
  EventOwner begin, end;
  cudaEvent_t untimed = nullptr;
  float ms = -1;
  ASSERT_EQ(cudaEventCreateWithFlags(&untimed, cudaEventDisableTiming), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&ms, begin, end), cudaErrorInvalidResourceHandle) << "never recorded";
  ASSERT_EQ(cudaEventRecord(begin, stream), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(end, stream), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&ms, begin, end), cudaErrorNotReady);
  EXPECT_EQ(cudaEventSynchronize(end), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&ms, begin, end), cudaSuccess);
  EXPECT_GE(ms, 0);
  EXPECT_EQ(cudaEventElapsedTime(&ms, begin, untimed), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventDestroy(untimed), cudaSuccess);
}

TEST_F(EmulatedStreamsTest, ADestroyedStreamStillDoesItsWork) {
  DeviceArray<float> x(Floats{1});
  {
    StreamOwner stream(cudaStreamNonBlocking);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    add(x, 1, stream);
  }
  EXPECT_EQ(pending(), 1u);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(x.to_host()[0], 2);
}

TEST_F(EmulatedStreamsTest, ThreadsQueueAndWaitBesideEachOther) {
  constexpr int kThreads = 4, kRounds = 50;
  DeviceArray<float> x(Floats(kThreads, 0.0f));
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      StreamOwner stream(cudaStreamNonBlocking);
      for (int i = 0; i < kRounds; ++i) {
        CAWE_LAUNCH(add_to, 1, 1, 0, stream, x.get() + t, float(t + 1));
        EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(x.to_host(), (Floats{50, 100, 150, 200}));
}

}  // namespace
}  // namespace cawe::emulated
