// SPDX-License-Identifier: Apache-2.0
// The CUDA backend: every primitive of tensor/primitives on one GPU, or on the emulated device. Its methods are
// in backend/FAMILY.cpp: they bring tensors into the layout that a kernel wants and call its launch function.
#pragma once

#include <functional>
#include <memory>

#include "cuda/kernels/types.h"
#include "tensor/arena.h"
#include "tensor/primitives/backend.h"

namespace CAWE_DEVICE {

struct Runtime;  // streams, allocator, library handles: runtime/

/// The backend of one device, made by make_backend(). All primitives are queued on one stream and return before they
/// are done.
class CudaBackend : public PrimitiveBackend {
 public:
  ~CudaBackend() override;
  const char* name() const override;
  std::string built_on() const override;
  void* allocate(size_t bytes) override;
  void release(void* block, size_t bytes) noexcept override;
  void copy_between_devices(const Tensor& x, Tensor& y) override;
  std::unique_ptr<HostCopy> begin_host_copy(const Tensor& x) override;
  void synchronize() override;

#define CAWE_OP(op, parameters, names) void op parameters override;
#include "tensor/primitives/all.inc"
#undef CAWE_OP

  Device device() const override { return device_; }
  /// NCHW in f64, and in f32 without TF32 (conv2d.cpp says why); else channels-last.
  Layout convolution_layout(DType dtype) const override;
  /// The stream that all primitives run on, in order.
  DeviceStream stream() const;
  Runtime& runtime() const { return *runtime_; }
  /// kTickets numbers for kernels whose blocks take tickets (runtime/tickets.h).
  uint32_t* tickets() const;

  /// Statistics of the device's memory. trim() returns to the driver what no tensor holds.
  ArenaStatistics statistics() const;
  void reset_peak();
  void trim();

  /// Records `step` as a graph whose launch() may be called any number of times; runtime/graph.h says what a
  /// step may do.
  std::unique_ptr<CapturedWork> capture(const std::function<void()>& step) override;

 protected:
  explicit CudaBackend(Device device);

 private:
  Device device_;
  std::unique_ptr<Runtime> runtime_;
};

/// The backend whose errors name the primitive that ran and its operands (named_backend.cpp). Throws Code::unsupported
/// where there is no device; init() in runtime/init.h checks that first.
std::unique_ptr<CudaBackend> make_backend(Device device);

/// The kernels' name of a floating tensor's type; throws Code::dtype naming `op` for any other.
Number number_of(const char* op, const Tensor& x);

}  // namespace CAWE_DEVICE
