// SPDX-License-Identifier: Apache-2.0
// A step of work that is recorded once and launched many times as one CUDA graph: one launch instead of
// hundreds.
#pragma once

#include <functional>
#include <memory>

#include "cuda/runtime/allocator.h"
#include "cuda/runtime/stream.h"
#include "tensor/backend.h"

namespace CAWE_DEVICE {

/// The graph and the memory that it runs on. Tensors made during the capture keep their addresses and hold
/// new values after each launch. Must not outlive the backend.
class CapturedStep final : public CapturedWork {
 public:
  ~CapturedStep() override;
  CapturedStep(const CapturedStep&) = delete;
  CapturedStep& operator=(const CapturedStep&) = delete;
  /// Queues the step on the compute stream.
  void launch() override;

 private:
  friend class Capture;
  CapturedStep(DeviceAllocator& allocator, OwnedStream& compute) : allocator_(allocator), compute_(compute) {}

  DeviceAllocator& allocator_;
  OwnedStream& compute_;
  PrivatePool pool_;
  cudaGraphExec_t graph_ = nullptr;
};

/// While it lives, what this thread queues on the device is recorded instead of run; finish() makes the step
/// from it. Destroyed before that (by an exception), it discards the recording.
class Capture {
 public:
  Capture(DeviceAllocator& allocator, OwnedStream& compute);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  std::unique_ptr<CapturedStep> finish();

 private:
  cudaError_t end(cudaGraph_t* graph);

  DeviceAllocator& allocator_;
  OwnedStream& compute_;
  std::unique_ptr<CapturedStep> step_;
  bool active_ = false;
};

/// Records what `step` queues, without running it. Run `step` once before, so that libraries are loaded and
/// their algorithms chosen. `step` must not wait for the device or exchange data with the host, and no other
/// thread may use the device meanwhile.
std::unique_ptr<CapturedStep> capture_step(DeviceAllocator& allocator, OwnedStream& compute,
                                           const std::function<void()>& step);

/// Whether the stream is being captured.
bool is_captured(const OwnedStream& stream);

}  // namespace CAWE_DEVICE
