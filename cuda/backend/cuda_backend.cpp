// SPDX-License-Identifier: Apache-2.0
// The backend without its primitives: memory, copies to and from the device, waiting, captured steps.
#include "cuda/backend/cuda_backend.h"

#include <cstring>

#include "cuda/runtime/graph.h"
#include "cuda/runtime/runtime.h"

namespace CAWE_DEVICE {
namespace {

void check_not_captured(const char* what, const Runtime& runtime) {
  CAWE_CHECK(!is_captured(runtime.compute), Code::unsupported, what,
             ": a step that is being captured may not wait for the device or exchange data with the host. Do "
             "it before "
             "or after the step.");
}

}  // namespace

CudaBackend::CudaBackend(Device device)
    : device_(device), runtime_(std::make_unique<Runtime>(settings_from_environment())) {}
CudaBackend::~CudaBackend() = default;

const char* CudaBackend::name() const { return cawe::name(device_); }

std::string CudaBackend::built_on() const {
  const Settings& s = runtime_->settings;  // what makes other bits
  return describe(runtime_->device) + (s.tf32 ? ", TF32" : "") + (s.winograd ? ", Winograd" : "") +
         (s.cudnn == CudnnInterface::graph ? ", graph interface of cuDNN" : "") +
         (s.workspace_bytes == usual_workspace(runtime_->device)
              ? ""
              : detail::concat(", workspaces up to ", s.workspace_bytes >> 20, " MiB"));
}

void* CudaBackend::allocate(size_t bytes) { return runtime_->allocator.allocate(bytes); }

void CudaBackend::release(void* block, size_t bytes) noexcept { runtime_->allocator.release(block, bytes); }

void CudaBackend::copy_between_devices(const Tensor& x, Tensor& y) {
  check_not_captured(current_operator(), *runtime_);
  CAWE_CHECK(x.shape() == y.shape() && x.strides() == y.strides() && x.dtype() == y.dtype() && x.is_dense(),
             Code::internal, current_operator(), ": from ", x.shape(), " ", cawe::name(x.dtype()),
             " with strides ", x.strides(), " to ", y.shape(), " ", cawe::name(y.dtype()), " with strides ",
             y.strides(), " (expected equal and dense ones)");
  const size_t bytes = size_t(x.numel()) * size_of(x.dtype());
  if (bytes == 0) return;
  if (x.device() == Device::cpu) return runtime_->staging.to_device(x.raw(), y.raw(), bytes);
  CAWE_CUDA(cudaPeekAtLastError());  // a launch that was refused has left no results to copy
  runtime_->staging.to_host(x.raw(), y.raw(), bytes);
}

namespace {

class LateCopy final : public HostCopy {
 public:
  LateCopy(Staging& staging, const Tensor& x, size_t bytes)
      : staging_(staging), x_(x), bytes_(bytes), slot_(staging.to_host_later(x.raw(), bytes)) {}
  ~LateCopy() override { staging_.give_back(std::move(slot_)); }
  Tensor wait() override {
    const OperatorScope scope("copy to the host");
    slot_->done.wait();
    Tensor y = Tensor::empty(x_.shape(), x_.dtype());
    std::memcpy(y.raw(), slot_->data, bytes_);
    return y;
  }

 private:
  Staging& staging_;
  const Tensor x_;
  const size_t bytes_;
  std::unique_ptr<Staging::LateSlot> slot_;
};

}  // namespace

std::unique_ptr<HostCopy> CudaBackend::begin_host_copy(const Tensor& x) {
  check_not_captured(current_operator(), *runtime_);
  CAWE_CHECK(x.device() == device() && x.is_contiguous(), Code::internal, current_operator(),
             ": expected a contiguous tensor on ", cawe::name(device()));
  const size_t bytes = size_t(x.numel()) * size_of(x.dtype());
  if (bytes == 0 || bytes > Staging::kSmall) return Backend::begin_host_copy(x);
  CAWE_CUDA(cudaPeekAtLastError());
  return std::make_unique<LateCopy>(runtime_->staging, x, bytes);
}

void CudaBackend::synchronize() {
  check_not_captured(current_operator(), *runtime_);
  CAWE_CUDA(cudaPeekAtLastError());
  runtime_->copies.wait();
  runtime_->compute.wait();
}

DeviceStream CudaBackend::stream() const { return runtime_->compute.get(); }
uint32_t* CudaBackend::tickets() const { return runtime_->tickets.get(); }

ArenaStatistics CudaBackend::statistics() const { return runtime_->allocator.statistics(); }
void CudaBackend::reset_peak() { runtime_->allocator.reset_peak(); }
void CudaBackend::trim() { runtime_->allocator.trim(); }

std::unique_ptr<CapturedWork> CudaBackend::capture(const std::function<void()>& step) {
  return capture_step(runtime_->allocator, runtime_->compute, step);
}

Number number_of(const char* op, const Tensor& x) {
  switch (x.dtype()) {
    case DType::f32:
      return Number::f32;
    case DType::f64:
      return Number::f64;
    case DType::f16:
      return Number::f16;
    case DType::bf16:
      return Number::bf16;
    default:
      fail(Code::dtype, op, ": dtype ", cawe::name(x.dtype()), " is not computed on ", cawe::name(x.device()),
           " (expected f32, f64, f16 or bf16). Convert with Tensor::to.");
  }
}

}  // namespace CAWE_DEVICE
