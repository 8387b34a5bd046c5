// SPDX-License-Identifier: Apache-2.0
// A stream and an event with an owner.
#pragma once

#include "cuda/runtime/errors.h"

namespace CAWE_DEVICE {

/// Marks a place in a stream's work. Before the first record() it counts as reached.
class OwnedEvent {
 public:
  OwnedEvent() { CAWE_CUDA(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming)); }
  ~OwnedEvent() { cudaEventDestroy(event_); }
  OwnedEvent(const OwnedEvent&) = delete;
  OwnedEvent& operator=(const OwnedEvent&) = delete;
  cudaEvent_t get() const { return event_; }
  void record(DeviceStream stream) { CAWE_CUDA(cudaEventRecord(event_, stream)); }
  /// The host waits.
  void wait() const { CAWE_CUDA(cudaEventSynchronize(event_)); }

 private:
  cudaEvent_t event_ = nullptr;
};

/// A queue of work that runs in order; it does not synchronise with the legacy default stream.
class OwnedStream {
 public:
  OwnedStream() { CAWE_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
  ~OwnedStream() { cudaStreamDestroy(stream_); }
  OwnedStream(const OwnedStream&) = delete;
  OwnedStream& operator=(const OwnedStream&) = delete;
  DeviceStream get() const { return stream_; }
  /// The host waits for all of it.
  void wait() const { CAWE_CUDA(cudaStreamSynchronize(stream_)); }
  /// Work queued from now on waits for the event; the host does not.
  void wait_for(const OwnedEvent& event) { CAWE_CUDA(cudaStreamWaitEvent(stream_, event.get(), 0)); }

 private:
  cudaStream_t stream_ = nullptr;
};

}  // namespace CAWE_DEVICE
