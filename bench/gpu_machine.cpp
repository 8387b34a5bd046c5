// SPDX-License-Identifier: Apache-2.0
// The GPU: timed by events on the backend's stream.
#include <cuda_profiler_api.h>
#include <cuda_runtime_api.h>

#include <nlohmann/json.hpp>

#include "bench/machine.h"
#include "cuda/backend/cuda_backend.h"
#include "cuda/runtime/errors.h"
#include "cuda/runtime/init.h"
#include "cuda/runtime/runtime.h"

namespace cawe::bench {
namespace {

/// A place in a stream's work with the device's time there.
class TimedEvent {
 public:
  TimedEvent() { CAWE_CUDA(cudaEventCreate(&event_)); }
  ~TimedEvent() { cudaEventDestroy(event_); }
  TimedEvent(const TimedEvent&) = delete;
  TimedEvent& operator=(const TimedEvent&) = delete;
  void record(cudaStream_t stream) { CAWE_CUDA(cudaEventRecord(event_, stream)); }
  /// The host waits for this place.
  float milliseconds_since(const TimedEvent& begin) const {
    float ms = 0;
    CAWE_CUDA(cudaEventSynchronize(event_));
    CAWE_CUDA(cudaEventElapsedTime(&ms, begin.event_, event_));
    return ms;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

class Gpu final : public Machine {
 public:
  Device device() const override { return Device::cuda; }

  std::vector<double> microseconds(int count, const std::function<void()>& launch) override {
    if (!sweep_.defined()) {
      sweep_ = Tensor::empty({int64_t{1} << 28}, DType::f32, Layout::contiguous, Device::cuda);
      sum_ = Tensor::empty({1}, DType::f32, Layout::contiguous, Device::cuda);
    }
    TimedEvent begin, end;
    const auto stream = static_cast<cudaStream_t>(gpu().stream());
    std::vector<double> us;
    for (int i = 0; i < count; ++i) {
      sweep_.fill(i);
      // Else what the fill left in the cache would be written to memory while the launch reads from there.
      primitive_backend(Device::cuda).sum_to(sweep_, sum_);
      begin.record(stream);
      launch();
      end.record(stream);
      us.push_back(1000.0 * double(end.milliseconds_since(begin)));
    }
    return us;
  }

  int64_t take_peak() override {
    const int64_t peak = gpu().statistics().peak_bytes;
    gpu().reset_peak();
    return peak;
  }
  void profile(bool on) override { on ? cudaProfilerStart() : cudaProfilerStop(); }
  void trim() override { gpu().trim(); }
  bool lost() override { return cudaDeviceSynchronize() != cudaSuccess; }

  void tell(Json* line) override {
    const on_cuda::ConvolutionStatistics planned = gpu().runtime().convolutions.statistics();
    if (planned.by_graph + planned.by_legacy == 0) return;
    // Problems so far, by the interface of cuDNN that computed them.
    (*line)["by_graph"] = planned.by_graph;
    (*line)["by_legacy"] = planned.by_legacy;
  }

 private:
  static on_cuda::CudaBackend& gpu() { return static_cast<on_cuda::CudaBackend&>(backend(Device::cuda)); }
  Tensor sweep_, sum_;
};

}  // namespace

std::unique_ptr<Machine> machine(std::string* why) {
  if (!on_cuda::init(why)) return nullptr;
  return std::make_unique<Gpu>();
}

}  // namespace cawe::bench
