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

/// Parameters of a two-dimensional convolution, the same along both axes, in cells.
struct Conv2dParams {
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t dilation = 1;
  int64_t groups = 1;
};

/// Windows of pooling, the same along both axes, in cells.
struct Pool2dParams {
  int64_t kernel = 2;
  int64_t stride = 2;
  int64_t padding = 0;
};

/// Weights of the four offsets (dx, dy, dw, dh) of a box, as in Girshick et al. 2014 (arXiv 1311.2524): an
/// offset is multiplied by its weight when coded and divided by it when decoded. 1 for RPN and RetinaNet,
/// (10, 10, 5, 5) for the box head.
struct BoxCoding {
  double wx = 1, wy = 1, ww = 1, wh = 1;
};

/// How anchors are matched to true boxes by their IoU: foreground from `high` on, background below `low`,
/// else left out of the loss. With `low_quality` every true box also gets the anchors that overlap it most,
/// however little that is (Ren et al. 2015, arXiv 1506.01497).
struct MatchParams {
  double high = 0.5, low = 0.4;
  bool low_quality = true;
};

/// RoIAlign (He et al. 2017, arXiv 1703.06870): a region is cut into pooled x pooled bins, each the mean of
/// sampling_ratio^2 bilinear samples (0: as many per axis as the bin has cells, rounded up). aligned: cell
/// centres lie at half-integer coordinates and regions may be smaller than a cell (detectron2's rule);
/// otherwise a region is at least one cell wide and nothing is shifted by half a cell (torchvision's
/// default).
struct RoiAlignParams {
  int64_t pooled = 7;
  int64_t sampling_ratio = 2;
  bool aligned = false;
  std::vector<double> scales;  ///< of each level: its size / the image's size
};

/// One step of SGD in PyTorch's form. `first`: the velocity starts as the gradient.
struct SgdParams {
  double lr = 0.01, momentum = 0.9, weight_decay = 0;
  bool first = false;
};

/// One step of Adam (Kingma & Ba 2015, arXiv 1412.6980), or of AdamW (Loshchilov & Hutter 2019, arXiv
/// 1711.05101) where `decoupled`; `step` counts from 1.
struct AdamParams {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  bool decoupled = false;
  int64_t step = 1;
};

/// Device work recorded once and replayed as a whole (a CUDA graph).
class CapturedWork {
 public:
  virtual ~CapturedWork() = default;
  /// Enqueues the recorded work; tensors made while it was recorded hold new values afterwards.
  virtual void launch() = 0;
};

/// The primitives of one device, a virtual method for each line of backend_ops.inc. A primitive that a
/// backend lacks throws Code::unsupported with its name.
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
  /// Records what `work` enqueues on the device, without running it; nullptr where the backend cannot. `work`
  /// may not exchange data with the host and must have run once before, and no other thread may use the
  /// device meanwhile.
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
