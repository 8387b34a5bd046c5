// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/graph.h"

namespace CAWE_DEVICE {

CapturedStep::~CapturedStep() {
  if (graph_) cudaGraphExecDestroy(graph_);  // waits for a launch that still runs
  allocator_.retire(pool_);                  // safe: the blocks' next owners queue behind it
}

void CapturedStep::launch() { CAWE_CUDA(cudaGraphLaunch(graph_, compute_.get())); }

Capture::Capture(DeviceAllocator& allocator, OwnedStream& compute)
    : allocator_(allocator), compute_(compute), step_(new CapturedStep(allocator, compute)) {
  allocator_.record_into(step_->pool_);
  // Relaxed mode: the allocator may ask the driver for memory during the capture.
  const cudaError_t status = cudaStreamBeginCapture(compute_.get(), cudaStreamCaptureModeRelaxed);
  active_ = status == cudaSuccess;
  if (active_) return;
  allocator_.stop_recording();
  fail_cuda("cudaStreamBeginCapture", status);
}

cudaError_t Capture::end(cudaGraph_t* graph) {
  active_ = false;
  const cudaError_t status = cudaStreamEndCapture(compute_.get(), graph);
  allocator_.stop_recording();
  return status;
}

Capture::~Capture() {
  if (!active_) return;
  cudaGraph_t graph = nullptr;
  end(&graph);
  if (graph) cudaGraphDestroy(graph);
  cudaGetLastError();  // the exception that ended the capture says more
}

std::unique_ptr<CapturedStep> Capture::finish() {
  cudaGraph_t graph = nullptr;
  const cudaError_t ended = end(&graph);
  if (ended != cudaSuccess) fail_cuda("cudaStreamEndCapture", ended);
  const cudaError_t status = cudaGraphInstantiate(&step_->graph_, graph, 0);
  cudaGraphDestroy(graph);
  if (status != cudaSuccess) fail_cuda("cudaGraphInstantiate", status);
  return std::move(step_);
}

std::unique_ptr<CapturedStep> capture_step(DeviceAllocator& allocator, OwnedStream& compute,
                                           const std::function<void()>& step) {
  const OperatorScope scope("capture");
  Capture recording(allocator, compute);
  step();
  return recording.finish();
}

bool is_captured(const OwnedStream& stream) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  CAWE_CUDA(cudaStreamIsCapturing(stream.get(), &status));
  return status != cudaStreamCaptureStatusNone;
}

}  // namespace CAWE_DEVICE
