// SPDX-License-Identifier: Apache-2.0
// Losses that are summed for each item: contiguous tensors; sums and scales are f32 where the other tensors
// are f16 or bf16.
#include "cuda/kernels/losses.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"

namespace CAWE_DEVICE {
namespace {

/// Items of x and elements of each; throws where an item is too large for the kernels.
class Call {
 public:
  Call(const char* op, const Tensor& x)
      : number_(number_of(op, x)),
        sums_(number_ == Number::f64 ? DType::f64 : DType::f32),
        items_(x.dim(0)),
        size_(items_ == 0 ? 0 : x.numel() / items_),
        device_(x.device()) {
    CAWE_CHECK(size_ < (int64_t{1} << 31), Code::unsupported, op, ": ", x.shape(), " has ", size_,
               " elements an item (expected fewer than 2^31)");
  }
  Number number() const { return number_; }
  int64_t items() const { return items_; }
  int64_t size() const { return size_; }

  /// Undefined tensors stay undefined.
  Tensor input(const Tensor& t) const { return t.defined() ? packed(t, Layout::contiguous) : t; }
  Tensor scale(const Tensor& t) const { return packed(t.to(sums_), Layout::contiguous); }
  Tensor output(const Tensor& dx) const { return packed_output(dx, Layout::contiguous); }
  /// y itself, or a new f32 tensor where y is f16 or bf16.
  Tensor sums(const Tensor& y) const {
    return y.dtype() == sums_ ? packed_output(y, Layout::contiguous)
                              : Tensor::empty(y.shape(), sums_, Layout::contiguous, device_);
  }
  Tensor scratch() const {
    return Tensor::empty({item_sums_scratch(number_, items_, size_)}, DType::f64, Layout::contiguous,
                         device_);
  }

 private:
  Number number_;
  DType sums_;
  int64_t items_, size_;
  Device device_;
};

const void* address(const Tensor& t) { return t.defined() ? t.raw() : nullptr; }

}  // namespace

void CudaBackend::sigmoid_focal_loss(const Tensor& x, const Tensor& t, double alpha, double gamma,
                                     Tensor& y) {
  const Call call("sigmoid_focal_loss", x);
  const Tensor in = call.input(x), target = call.input(t), scratch = call.scratch(), out = call.sums(y);
  CAWE_DEVICE::sigmoid_focal_loss(call.number(), call.items(), call.size(), in.raw(), target.raw(), alpha,
                                  gamma, scratch.data<double>(), out.raw(), stream());
  deliver(out, y);
}

void CudaBackend::sigmoid_focal_loss_grad(const Tensor& x, const Tensor& t, double alpha, double gamma,
                                          const Tensor& scale, Tensor& dx) {
  const Call call("sigmoid_focal_loss_grad", x);
  const Tensor in = call.input(x), target = call.input(t), factor = call.scale(scale), out = call.output(dx);
  CAWE_DEVICE::sigmoid_focal_loss_grad(call.number(), call.items(), call.size(), in.raw(), target.raw(),
                                       alpha, gamma, factor.raw(), out.raw(), stream());
  deliver(out, dx);
}

void CudaBackend::bce_with_logits(const Tensor& x, const Tensor& t, const Tensor& mask,
                                  const Tensor& pos_weight, Tensor& y) {
  const Call call("bce_with_logits", x);
  const Tensor in = call.input(x), target = call.input(t), kept = call.input(mask),
               weight = call.input(pos_weight), scratch = call.scratch(), out = call.sums(y);
  CAWE_DEVICE::bce_with_logits(call.number(), call.items(), call.size(), in.raw(), target.raw(),
                               address(kept), address(weight), scratch.data<double>(), out.raw(), stream());
  deliver(out, y);
}

void CudaBackend::bce_with_logits_grad(const Tensor& x, const Tensor& t, const Tensor& mask,
                                       const Tensor& pos_weight, const Tensor& scale, Tensor& dx) {
  const Call call("bce_with_logits_grad", x);
  const Tensor in = call.input(x), target = call.input(t), kept = call.input(mask),
               weight = call.input(pos_weight), factor = call.scale(scale), out = call.output(dx);
  CAWE_DEVICE::bce_with_logits_grad(call.number(), call.items(), call.size(), in.raw(), target.raw(),
                                    address(kept), address(weight), factor.raw(), out.raw(), stream());
  deliver(out, dx);
}

void CudaBackend::smooth_l1(const Tensor& x, const Tensor& t, const Tensor& mask, double beta, Tensor& y) {
  const Call call("smooth_l1", x);
  const Tensor in = call.input(x), target = call.input(t), kept = call.input(mask), scratch = call.scratch(),
               out = call.sums(y);
  CAWE_DEVICE::smooth_l1(call.number(), call.items(), x.dim(1), x.dim(2), in.raw(), target.raw(), kept.raw(),
                         beta, scratch.data<double>(), out.raw(), stream());
  deliver(out, y);
}

void CudaBackend::smooth_l1_grad(const Tensor& x, const Tensor& t, const Tensor& mask, double beta,
                                 const Tensor& scale, Tensor& dx) {
  const Call call("smooth_l1_grad", x);
  const Tensor in = call.input(x), target = call.input(t), kept = call.input(mask),
               factor = call.scale(scale), out = call.output(dx);
  CAWE_DEVICE::smooth_l1_grad(call.number(), call.items(), x.dim(1), x.dim(2), in.raw(), target.raw(),
                              kept.raw(), beta, factor.raw(), out.raw(), stream());
  deliver(out, dx);
}

}  // namespace CAWE_DEVICE
