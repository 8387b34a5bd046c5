// SPDX-License-Identifier: Apache-2.0
#include "cuda/lab/steps/counted_device.h"

#include <algorithm>
#include <map>
#include <utility>

#include "cuda/backend/cuda_backend.h"
#include "cuda/lab/steps/flops.h"
#include "cuda/runtime/runtime.h"
#include "tensor/error.h"

namespace cawe::on_emulator {

namespace {

uint64_t sum_of(const std::map<std::string, uint64_t>& launches) {
  uint64_t sum = 0;
  for (const auto& [kernel, times] : launches) sum += times;
  return sum;
}

void add(const emulated::Traffic::Copies& some, emulated::Traffic::Copies& sum) {
  sum.count += some.count;
  sum.bytes += some.bytes;
}

void add(const emulated::Traffic& some, emulated::Traffic& sum) {
  for (const auto& [kernel, times] : some.launches) sum.launches[kernel] += times;
  sum.convolutions += some.convolutions;
  sum.products += some.products;
  sum.fills += some.fills;
  add(some.to_device, sum.to_device);
  add(some.to_host, sum.to_host);
  add(some.within, sum.within);
  sum.graph_launches += some.graph_launches;
}

uint64_t waits_so_far() {
  uint64_t sum = 0;
  for (const char* call : {"cudaStreamSynchronize", "cudaEventSynchronize", "cudaDeviceSynchronize"})
    sum += emulated::calls(call);
  return sum;
}

}  // namespace

uint64_t PrimitiveCount::launches() const { return sum_of(kernels); }

uint64_t StepCount::launches() const { return sum_of(traffic.launches); }

double StepCount::bytes() const {
  double sum = 0;
  for (const PrimitiveCount& p : primitives) sum += p.bytes;
  return sum;
}

double StepCount::flops() const {
  double sum = 0;
  for (const PrimitiveCount& p : primitives) sum += p.flops();
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
  std::unique_ptr<HostCopy> begin_host_copy(const Tensor& x) override { return cuda_->begin_host_copy(x); }
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

  bool tf32() const { return cuda_->runtime().settings.tf32; }

  StepCount take() {
    charge();
    StepCount count;
    for (auto& [op, found] : found_) {
      found.name = op;
      count.primitives.push_back(found);
    }
    std::stable_sort(count.primitives.begin(), count.primitives.end(),
                     [](const PrimitiveCount& a, const PrimitiveCount& b) { return a.bytes > b.bytes; });
    found_.clear();
    count.traffic = std::exchange(traffic_, {});
    count.peak_bytes = cuda_->statistics().peak_bytes;
    cuda_->reset_peak();
    count.host_waits = waits_so_far() - waits_;
    waits_ += count.host_waits;
    return count;
  }

 private:
  /// One call; the calls that it makes itself (a copy into another layout) are counted as theirs.
  class Call {
   public:
    Call(Backend& backend, const char* op) : backend_(backend), op_(op) {
      backend.charge();  // to the call that makes this one
      outer_ = std::exchange(backend.running_, &backend.found_[op]);
      ++count().calls;
    }
    ~Call() {
      backend_.charge();
      backend_.running_ = outer_;
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    template <class... Arguments>
    void of(const Arguments&... arguments) const {
      std::vector<Tensor> tensors;
      (gather(arguments, tensors), ...);
      for (const Tensor& t : tensors)
        if (t.defined()) count().bytes += double(t.numel()) * double(size_of(t.dtype()));
      if (const double flops = flops_of(op_, tensors); flops > 0) kind(tensors[0].dtype()) += flops;
    }

   private:
    PrimitiveCount& count() const { return *backend_.running_; }
    double& kind(DType dtype) const {
      if (size_of(dtype) == 2) return count().flops_16;
      const bool library = std::string_view(op_).substr(0, 9) != "attention";
      return library && dtype == DType::f32 && backend_.tf32() ? count().flops_tf32 : count().flops_32;
    }
    static void gather(const Tensor& t, std::vector<Tensor>& all) { all.push_back(t); }
    static void gather(const std::vector<Tensor>& t, std::vector<Tensor>& all) {
      all.insert(all.end(), t.begin(), t.end());
    }
    template <class Other>
    static void gather(const Other&, std::vector<Tensor>&) {}

    Backend& backend_;
    const char* op_;
    PrimitiveCount* outer_;
  };

  /// What was asked of the device since the last call belongs to the primitive that runs now.
  void charge() {
    const emulated::Traffic some = emulated::take_traffic();
    add(some, traffic_);
    if (!running_) return;
    for (const auto& [kernel, times] : some.launches) running_->kernels[kernel] += times;
    running_->vendor_calls += some.convolutions + some.products;
  }

  const std::unique_ptr<CudaBackend> cuda_ = make_backend(Device::emulated);
  std::map<std::string, PrimitiveCount> found_;
  PrimitiveCount* running_ = nullptr;
  emulated::Traffic traffic_;
  uint64_t waits_ = 0;
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

bool CountedDevice::tf32() const { return backend_->tf32(); }

}  // namespace cawe::on_emulator
