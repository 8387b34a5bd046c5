// SPDX-License-Identifier: Apache-2.0
// Stream capture: what is written down, what may not be called, and what a graph replays.
#include <functional>
#include <thread>

#include "tests/cuda/emulator/vendor/support.h"

// Behind everything else: its words are macros.
#include "cuda/emulator/simt/simt.cuh"

namespace cawe::emulated {
namespace {

using Floats = std::vector<float>;

__global__ void scale_by(float* p, float factor) { p[threadIdx.x] *= factor; }

void scale(float* p, float factor, cudaStream_t stream) { CAWE_LAUNCH(scale_by, 1, 1, 0, stream, p, factor); }

class EmulatedGraphTest : public EmulatedTest {
 protected:
  void begin(cudaStream_t stream, cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal) {
    ASSERT_EQ(cudaStreamBeginCapture(stream, mode), cudaSuccess) << last_complaint();
  }
  /// Ends a capture that a call before made invalid.
  void end_invalid(cudaStream_t stream) {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    EXPECT_EQ(cudaStreamIsCapturing(stream, &status), cudaSuccess);
    EXPECT_EQ(status, cudaStreamCaptureStatusInvalidated);
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(graph, nullptr);
  }
};

TEST_F(EmulatedGraphTest, AGraphReplaysItsLaunchesWithTheirArguments) {
  StreamOwner stream;
  DeviceArray<float> x(Floats{1});
  PinnedArray<float> out(1);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  begin(stream);
  scale(x.get(), 2, stream);
  scale(x.get(), 3, stream);
  EXPECT_EQ(cudaMemcpyAsync(out.get(), x.get(), 4, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_EQ(cudaStreamIsCapturing(stream, &status), cudaSuccess);
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(x.to_host()[0], 1) << "capturing runs nothing";
  EXPECT_EQ(cudaGraphLaunch(exec, stream), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(exec, stream), cudaSuccess);
  EXPECT_NE(out[0], 36) << "a launch waits for its stream";
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(out[0], 36);
  EXPECT_EQ(cudaGraphExecDestroy(exec), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(exec, stream), cudaErrorInvalidValue);
}

TEST_F(EmulatedGraphTest, CallsThatNoCaptureAllowsBreakIt) {
  StreamOwner stream;
  DeviceArray<float> x(Floats{1});
  float pageable = 0;
  void* p = nullptr;
  const std::vector<std::function<cudaError_t()>> illegal{
      [&] { return cudaMalloc(&p, 16); },
      [&] { return cudaMallocHost(&p, 16); },
      [&] { return cudaFree(x.get()); },
      [&] { return cudaStreamSynchronize(stream); },
      [&] { return cudaStreamQuery(stream); },
      [&] { return cudaDeviceSynchronize(); },
      [&] { return cudaMemcpy(&pageable, x.get(), 4, cudaMemcpyDeviceToHost); },
      [&] { return cudaMemcpyAsync(&pageable, x.get(), 4, cudaMemcpyDeviceToHost, stream); },
      [&] { return cudaMemcpyAsync(x.get(), &pageable, 4, cudaMemcpyHostToDevice, stream); }};
  for (size_t i = 0; i < illegal.size(); ++i) {
    SCOPED_TRACE(i);
    begin(stream);
    EXPECT_EQ(illegal[i](), cudaErrorStreamCaptureUnsupported);
    EXPECT_EQ(cudaMemsetAsync(x.get(), 0, 4, stream), cudaErrorStreamCaptureInvalidated);
    end_invalid(stream);
  }
  EXPECT_EQ(x.to_host()[0], 1);
}

TEST_F(EmulatedGraphTest, ARelaxedCaptureLetsOthersAllocate) {
  StreamOwner stream;
  cudaGraph_t graph = nullptr;
  void* p = nullptr;
  begin(stream, cudaStreamCaptureModeRelaxed);
  EXPECT_EQ(cudaMalloc(&p, 16), cudaSuccess);
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  EXPECT_EQ(cudaFree(p), cudaSuccess);
}

TEST_F(EmulatedGraphTest, ACaptureOfOneThreadConcernsThatThread) {
  StreamOwner stream;
  cudaGraph_t graph = nullptr;
  void* p = nullptr;
  begin(stream, cudaStreamCaptureModeThreadLocal);
  std::thread other([&] {
    EXPECT_EQ(cudaMalloc(&p, 16), cudaSuccess);
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureWrongThread);
  });
  other.join();
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  EXPECT_EQ(cudaFree(p), cudaSuccess);
}

TEST_F(EmulatedGraphTest, TheLegacyStreamStaysOut) {
  StreamOwner stream, free(cudaStreamNonBlocking);
  DeviceArray<float> x(Floats{1});
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal), cudaErrorStreamCaptureUnsupported);
  begin(stream);
  EXPECT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaErrorIllegalState);
  EXPECT_EQ(cudaMemsetAsync(x.get(), 0, 4, nullptr), cudaErrorStreamCaptureImplicit);
  end_invalid(stream);
  begin(free);  // does not wait for the legacy stream
  EXPECT_EQ(cudaMemsetAsync(x.get(), 0, 4, nullptr), cudaSuccess);
  EXPECT_EQ(cudaStreamEndCapture(free, &graph), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  EXPECT_EQ(cudaStreamEndCapture(free, &graph), cudaErrorIllegalState);
}

TEST_F(EmulatedGraphTest, NoModeLetsAnyoneWaitForTheDevice) {
  for (const auto mode :
       {cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeRelaxed}) {
    SCOPED_TRACE(mode);
    StreamOwner stream(cudaStreamNonBlocking);
    begin(stream, mode);
    std::thread other([] { EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorStreamCaptureUnsupported); });
    other.join();
    EXPECT_TRUE(complained("waits for the whole device"));
    end_invalid(stream);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  }
}

TEST_F(EmulatedGraphTest, ARelaxedCaptureOfANonBlockingStreamLeavesTheRestAlone) {
  StreamOwner stream(cudaStreamNonBlocking), other;
  EventOwner event;
  DeviceArray<float> x(Floats{1});
  cudaGraph_t graph = nullptr;
  void *device = nullptr, *pinned = nullptr;
  float host = 0;
  begin(stream, cudaStreamCaptureModeRelaxed);
  EXPECT_EQ(cudaMalloc(&device, 16), cudaSuccess);
  EXPECT_EQ(cudaMallocHost(&pinned, 16), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(&host, x.get(), 4, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(host, 1);
  EXPECT_EQ(cudaEventRecord(event, other), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(other), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(cudaFree(device), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  EXPECT_EQ(complaints(), 0u) << last_complaint();
}

TEST_F(EmulatedGraphTest, TheLegacyStreamIsNotWaitedForInAnyMode) {
  StreamOwner stream;
  DeviceArray<float> x(Floats{1});
  float host = 0;
  const std::vector<std::function<cudaError_t()>> illegal{
      [&] { return cudaMemcpy(&host, x.get(), 4, cudaMemcpyDeviceToHost); },
      [&] { return cudaMemcpy(x.get(), &host, 4, cudaMemcpyHostToDevice); },
      [&] { return cudaMemset(x.get(), 0, 4); },
      [&] { return cudaStreamSynchronize(nullptr); },
      [&] { return cudaStreamQuery(nullptr); },
      [&] {
        scale(x.get(), 2, nullptr);
        return cudaGetLastError();
      }};
  for (size_t i = 0; i < illegal.size(); ++i) {
    SCOPED_TRACE(i);
    begin(stream, cudaStreamCaptureModeRelaxed);
    EXPECT_EQ(illegal[i](), cudaErrorStreamCaptureImplicit);
    end_invalid(stream);
  }
  EXPECT_EQ(x.to_host()[0], 1);
}

TEST_F(EmulatedGraphTest, AskingForACapturedEventBreaksTheCapture) {
  StreamOwner stream, other(cudaStreamNonBlocking);
  EventOwner before, captured;
  float ms = 0;
  ASSERT_EQ(cudaEventRecord(before, other), cudaSuccess);
  ASSERT_EQ(cudaEventSynchronize(before), cudaSuccess);
  const std::vector<std::function<cudaError_t()>> illegal{
      [&] { return cudaEventQuery(captured); }, [&] { return cudaEventSynchronize(captured); },
      [&] { return cudaEventElapsedTime(&ms, before, captured); }};
  for (size_t i = 0; i < illegal.size(); ++i) {
    SCOPED_TRACE(i);
    begin(stream, cudaStreamCaptureModeRelaxed);
    ASSERT_EQ(cudaEventRecord(captured, stream), cudaSuccess);
    EXPECT_EQ(illegal[i](), cudaErrorCapturedEvent);
    EXPECT_EQ(cudaStreamWaitEvent(stream, captured), cudaErrorStreamCaptureInvalidated);
    end_invalid(stream);
  }
}

TEST_F(EmulatedGraphTest, EndingOnAnotherStreamBreaksTheCapture) {
  StreamOwner origin, side;
  EventOwner out;
  cudaGraph_t graph = nullptr;
  begin(origin);
  ASSERT_EQ(cudaEventRecord(out, origin), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(side, out), cudaSuccess);
  EXPECT_EQ(cudaStreamEndCapture(side, &graph), cudaErrorStreamCaptureUnmatched);
  end_invalid(origin);
}

TEST_F(EmulatedGraphTest, AForkMustBeJoined) {
  StreamOwner origin, side;
  DeviceArray<float> x(Floats{1});
  for (const bool join : {true, false}) {
    EventOwner out, back;
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t exec = nullptr;
    begin(origin);
    scale(x.get(), 2, origin);
    ASSERT_EQ(cudaEventRecord(out, origin), cudaSuccess);
    ASSERT_EQ(cudaStreamWaitEvent(side, out), cudaSuccess);
    scale(x.get(), 5, side);
    ASSERT_EQ(cudaEventRecord(back, side), cudaSuccess);
    if (join) {
      ASSERT_EQ(cudaStreamWaitEvent(origin, back), cudaSuccess);
    }
    ASSERT_EQ(cudaStreamEndCapture(origin, &graph), join ? cudaSuccess : cudaErrorStreamCaptureUnjoined);
    if (!join) continue;
    ASSERT_EQ(cudaGraphInstantiate(&exec, graph), cudaSuccess);
    EXPECT_EQ(cudaGraphLaunch(exec, origin), cudaSuccess);
    EXPECT_EQ(x.to_host()[0], 10);
    EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
    EXPECT_EQ(cudaGraphExecDestroy(exec), cudaSuccess);
    EXPECT_EQ(cudaEventQuery(back), cudaErrorCapturedEvent);
    EXPECT_EQ(cudaEventSynchronize(back), cudaErrorCapturedEvent);
  }
  scale(x.get(), 2, side);  // both streams are free again
  EXPECT_EQ(x.to_host()[0], 20);
}

TEST_F(EmulatedGraphTest, ACaptureWaitsForNothingOutside) {
  StreamOwner stream, other;
  EventOwner event;
  ASSERT_EQ(cudaEventRecord(event, other), cudaSuccess);
  begin(stream);
  EXPECT_EQ(cudaStreamWaitEvent(stream, event), cudaErrorStreamCaptureIsolation);
  end_invalid(stream);
}

TEST_F(EmulatedGraphTest, AReplayOfFreedMemoryIsFound) {
  StreamOwner stream;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  void *device = nullptr, *pinned = nullptr;
  ASSERT_EQ(cudaMalloc(&device, 16), cudaSuccess);
  ASSERT_EQ(cudaMallocHost(&pinned, 16), cudaSuccess);
  begin(stream);
  ASSERT_EQ(cudaMemcpyAsync(device, pinned, 16, cudaMemcpyHostToDevice, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(exec, stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  ASSERT_EQ(cudaFreeHost(pinned), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(exec, stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorIllegalAddress);
  EXPECT_TRUE(complained("cudaMemcpyAsync: pinned memory was freed before the copy ran"));
  cudaFree(device);
  cudaGraphDestroy(graph);
  cudaGraphExecDestroy(exec);
}

}  // namespace
}  // namespace cawe::emulated
