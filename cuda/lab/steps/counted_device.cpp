// SPDX-License-Identifier: Apache-2.0
#include "cuda/lab/steps/counted_device.h"

#include <algorithm>
#include <map>

#include "cuda/backend/cuda_backend.h"
#include "cuda/lab/steps/flops.h"
#include "tensor/error.h"

namespace cawe::on_emulator {

uint64_t StepCount::launches() const {
  uint64_t sum = 0;
  for (const auto& [kernel, times] : traffic.launches) sum += times;
  return sum;
}

double StepCount::bytes() const {
  double sum = 0;
  for (const PrimitiveCount& p : primitives) sum += p.bytes;
  return sum;
}

double StepCount::flops() const {
  double sum = 0;
  for (const PrimitiveCount& p : primitives) sum += p.flops_16 + p.flops_32;
  return sum;
}

/// Passes every call on to the CUDA backend and writes down what came of it.
class CountedDevice::Backend final : public PrimitiveBackend {
 public:
  const char* name() const override { return cuda_->name(); }
  Device device() const override { return Device::emulated; }
  std::string built_on() const override { return cuda_->built_on(); }
  Layout convolution_layout(DType dtype) const override { return cuda_->convolution_layout(dtype); }
  void* allocate(size_t bytes) override { return cuda_->allocate(bytes); }
  void release(void* block, size_t bytes) noexcept override { cuda_->release(block, bytes); }
  void copy_between_devices(const Tensor& x, Tensor& y) override { cuda_->copy_between_devices(x, y); }
  void synchronize() override { cuda_->synchronize(); }
  std::unique_ptr<CapturedWork> capture(const std::function<void()>& work) override {
    return cuda_->capture(work);
  }

#define CAWE_OP(op, parameters, names) \
  void op parameters override {        \
    const Call call(*this, #op);       \
    call.of names;                     \
    cuda_->op names;                   \
  }
#include "tensor/primitives/all.inc"
#undef CAWE_OP

  StepCount take() {
    StepCount count;
    for (auto& [op, found] : found_) {
      found.name = op;
      count.primitives.push_back(found);
    }
    std::stable_sort(count.primitives.begin(), count.primitives.end(),
                     [](const PrimitiveCount& a, const PrimitiveCount& b) { return a.bytes > b.bytes; });
    found_.clear();
    count.traffic = emulated::take_traffic();
    count.peak_bytes = cuda_->statistics().peak_bytes;
    cuda_->reset_peak();
    return count;
  }

 private:
  /// One call; the calls that it makes itself (a copy into another layout) are counted as theirs.
  class Call {
   public:
    Call(Backend& backend, const char* op)
        : backend_(backend), count_(backend.found_[op]), op_(op), outer_(backend.running_) {
      backend.running_ = this;
      launches_ = launches_so_far();
      vendor_calls_ = vendor_calls_so_far();
    }
    ~Call() {
      const uint64_t launches = launches_so_far() - launches_, calls = vendor_calls_so_far() - vendor_calls_;
      ++count_.calls;
      count_.launches += launches - inner_launches_;
      count_.vendor_calls += calls - inner_vendor_calls_;
      backend_.running_ = outer_;
      if (!outer_) return;
      outer_->inner_launches_ += launches;
      outer_->inner_vendor_calls_ += calls;
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    template <class... Arguments>
    void of(const Arguments&... arguments) const {
      std::vector<Tensor> tensors;
      (gather(arguments, tensors), ...);
      for (const Tensor& t : tensors)
        if (t.defined()) count_.bytes += double(t.numel()) * double(size_of(t.dtype()));
      const double flops = flops_of(op_, tensors);
      if (flops > 0) (size_of(tensors[0].dtype()) == 2 ? count_.flops_16 : count_.flops_32) += flops;
    }

   private:
    static void gather(const Tensor& t, std::vector<Tensor>& all) { all.push_back(t); }
    static void gather(const std::vector<Tensor>& t, std::vector<Tensor>& all) {
      all.insert(all.end(), t.begin(), t.end());
    }
    template <class Other>
    static void gather(const Other&, std::vector<Tensor>&) {}

    static uint64_t launches_so_far() { return emulated::calls("kernel launch"); }
    static uint64_t vendor_calls_so_far() {
      uint64_t sum = 0;
      for (const char* call :
           {"cudnnBackendExecute", "cudnnConvolutionForward", "cudnnConvolutionBiasActivationForward",
            "cudnnConvolutionBackwardData", "cudnnConvolutionBackwardFilter", "cublasLtMatmul"})
        sum += emulated::calls(call);
      return sum;
    }

    Backend& backend_;
    PrimitiveCount& count_;
    const char* op_;
    Call* outer_;
    uint64_t launches_, vendor_calls_, inner_launches_ = 0, inner_vendor_calls_ = 0;
  };

  const std::unique_ptr<CudaBackend> cuda_ = make_backend(Device::emulated);
  std::map<std::string, PrimitiveCount> found_;
  Call* running_ = nullptr;
};

CountedDevice::CountedDevice(size_t memory) {
  CAWE_CHECK(emulated::calls("cudaMalloc") == 0, Code::usage,
             "the emulated device has been used: what is counted needs one of its own");
  emulated::options().dry = true;
  emulated::options().device_bytes = memory;
  backend_ = std::make_unique<Backend>();
  register_backend(Device::emulated, backend_.get());
}

CountedDevice::~CountedDevice() {
  register_backend(Device::emulated, nullptr);
  backend_.reset();
  emulated::reset_for_tests();
}

StepCount CountedDevice::take() { return backend_->take(); }

}  // namespace cawe::on_emulator
