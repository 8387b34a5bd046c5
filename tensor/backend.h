// SPDX-License-Identifier: Apache-2.0
// The one door to a device: an abstract class of primitives. backend_ops.inc lists and documents them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tensor/elementwise.h"
#include "tensor/tensor.h"

namespace cawe {

struct Conv2dParams {
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t dilation = 1;
  int64_t groups = 1;
};

struct Pool2dParams {
  int64_t kernel = 2;
  int64_t stride = 2;
  int64_t padding = 0;
};

/// Weights of (dx, dy, dw, dh): 1 for RPN and RetinaNet, (10, 10, 5, 5) for the box head.
struct BoxCoding {
  double wx = 1, wy = 1, ww = 1, wh = 1;
};

/// Foreground from `high` on, background below `low`; `low_quality` gives every box its best anchors.
struct MatchParams {
  double high = 0.5, low = 0.4;
  bool low_quality = true;
};

/// Pooling of regions of interest: pooled x pooled bins of a region, in each the mean of sampling_ratio^2
/// bilinear samples (0: as many as the bin has cells, rounded up). aligned: cells' centres lie at half
/// numbers, and a region may be smaller than a cell.
struct RoiAlignParams {
  int64_t pooled = 7;
  int64_t sampling_ratio = 2;
  bool aligned = false;
  std::vector<double> scales;  ///< of each level: its size / the image's size
};

struct SgdParams {
  double lr = 0.01, momentum = 0.9, weight_decay = 0;
  bool first = false;
};

struct AdamParams {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  bool decoupled = false;
  int64_t step = 1;
};

/// Work that a device has written down and can do again as a whole (a CUDA graph).
class CapturedWork {
 public:
  virtual ~CapturedWork() = default;
  /// Queues it; tensors made while it was captured have new values afterwards.
  virtual void launch() = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual const char* name() const = 0;
  virtual Device device() const { return Device::cpu; }
  /// Library and version that the fast primitives stand on; "" where they are all our own.
  virtual std::string built_on() const { return ""; }

  // Device memory. The CPU has its arena (arena.h) and does not come through here.
  virtual void* allocate(size_t bytes);
  virtual void release(void* block, size_t bytes) noexcept;
  /// Between the CPU and this backend's device; same shape and strides, both dense.
  virtual void copy_between_devices(const Tensor& x, Tensor& y);
  /// Waits until everything asked of the device is done.
  virtual void synchronize() {}
  /// Writes down what `work` asks of the device, without doing it; nullptr where the backend cannot. `work`
  /// may not exchange data with the host, must have run once before, and no other thread may use the device
  /// meanwhile.
  virtual std::unique_ptr<CapturedWork> capture(const std::function<void()>& work);

#define CAWE_OP(op, parameters, names) virtual void op parameters;
#define CAWE_OP_RETURN(type, op, parameters, names) virtual type op parameters;
#include "tensor/backend_ops.inc"
#undef CAWE_OP
#undef CAWE_OP_RETURN

 protected:
  [[noreturn]] void unsupported(const char* op) const;
};

/// The backend of a device; throws Code::unsupported where this build or machine has none.
Backend& backend(Device device);
/// For cuda::init() and the emulated device: makes `backend` the one of `device`. Not thread-safe.
void register_backend(Device device, Backend* backend);

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

/// Names of all primitives, from backend_ops.inc.
const std::vector<std::string>& primitive_names();

}  // namespace cawe
