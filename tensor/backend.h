// SPDX-License-Identifier: Apache-2.0
// Devices: their memory, recorded work, and which one networks are put on. What a device computes is in
// primitives/.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace cawe {

/// Device work recorded once and replayed as a whole (a CUDA graph).
class CapturedWork {
 public:
  virtual ~CapturedWork() = default;
  /// Enqueues the recorded work; tensors made while it was recorded hold new values afterwards.
  virtual void launch() = 0;
};

/// A copy of a tensor that is on its way to the host.
class HostCopy {
 public:
  virtual ~HostCopy() = default;
  /// Waits for it, and for nothing that was asked of the device later. Once.
  virtual Tensor wait() = 0;
};

/// One device without its primitives, which primitives/backend.h adds.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual const char* name() const = 0;
  virtual Device device() const { return Device::cpu; }
  /// Library and version that the fast primitives stand on; "" where they are all our own.
  virtual std::string built_on() const { return ""; }
  /// The memory order in which its convolutions of this type are fastest: images, and weights with them, lie in it.
  virtual Layout convolution_layout(DType dtype) const = 0;

  // Device memory. The CPU has its arena (arena.h) and does not come through here.
  virtual void* allocate(size_t bytes);
  virtual void release(void* block, size_t bytes) noexcept;
  /// Between the CPU and this backend's device; same shape and strides, both dense.
  virtual void copy_between_devices(const Tensor& x, Tensor& y);
  /// Begins to copy x, contiguous, as what was asked of the device so far leaves it. Where the backend cannot, the copy is
  /// done already.
  virtual std::unique_ptr<HostCopy> begin_host_copy(const Tensor& x);
  /// Waits until everything asked of the device is done.
  virtual void synchronize() {}
  /// Records what `work` enqueues on the device, without running it; nullptr where the backend cannot. `work`
  /// may not exchange data with the host and must have run once before, and no other thread may use the
  /// device meanwhile.
  virtual std::unique_ptr<CapturedWork> capture(const std::function<void()>& work);

 protected:
  [[noreturn]] void unsupported(const char* op) const;
};

class PrimitiveBackend;  // primitives/backend.h

/// The backend of a device; throws Code::unsupported where this build or machine has none.
Backend& backend(Device device);
/// For cuda::init() and the emulated device: makes `backend` the one of `device`. Not thread-safe.
void register_backend(Device device, PrimitiveBackend* backend);

/// The device that networks of this program are put on: the CPU, unless a command says otherwise.
Device compute_device();
void set_compute_device(Device device);

/// Runs everything of this thread (and its lanes) on the CPU's plain reference loops while it lives.
class ReferenceScope {
 public:
  ReferenceScope();
  ~ReferenceScope();
  ReferenceScope(const ReferenceScope&) = delete;
  ReferenceScope& operator=(const ReferenceScope&) = delete;

 private:
  bool previous_;
};

}  // namespace cawe
