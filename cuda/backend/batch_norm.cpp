// SPDX-License-Identifier: Apache-2.0
// Batch norm's parts: image tensors in one layout, vectors [C] in the type that the kernels use.
#include "cuda/kernels/batch_norm.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/kernels/batch_norm_coefficients.h"
#include "cuda/runtime/tickets.h"

namespace CAWE_DEVICE {
namespace {

static_assert(kSumTickets <= kTickets, "the kernels' tickets are the backend's");

/// Brings all tensors of a call into x's layout: channels-last where x is, else NCHW.
class Call {
 public:
  Call(const char* op, const Tensor& x)
      : number_(number_of(op, x)),
        layout_(x.is_channels_last() ? Layout::channels_last : Layout::contiguous),
        shape_{x.dim(0), x.dim(1), x.dim(2) * x.dim(3), layout_ == Layout::channels_last} {
    constexpr int64_t kMost = (int64_t{1} << 31) - 1;
    CAWE_CHECK(shape_.n * shape_.cells <= kMost && shape_.n * shape_.c <= kMost, Code::unsupported, op, ": ",
               x.shape(), " has 2^31 values a channel or planes (expected fewer). Use a smaller batch.");
  }
  Number number() const { return number_; }
  const ChannelShape& shape() const { return shape_; }

  /// Undefined tensors stay undefined.
  Tensor image(const Tensor& t) const { return t.defined() ? packed(t, layout_) : t; }
  Tensor output(const Tensor& t) const { return t.defined() ? packed_output(t, layout_) : t; }
  /// As f32, or f64 where the images are f64.
  Tensor vector(const Tensor& t) const {
    return packed(t.to(number_ == Number::f64 ? DType::f64 : DType::f32), Layout::contiguous);
  }
  Tensor partial(Device device) const {
    return Tensor::empty({channel_sums_scratch(number_, shape_)}, DType::f64, Layout::contiguous, device);
  }

 private:
  Number number_;
  Layout layout_;
  ChannelShape shape_;
};

void* address(const Tensor& t) { return t.defined() ? t.raw() : nullptr; }

/// What the gradient of a ReLU needs of its output: y, or how it is computed again.
struct Relu {
  Relu(const Call& call, bool relu, const Tensor& of, const Tensor& a, const Tensor& b)
      : y(relu ? call.image(of) : Tensor()),
        scale(relu && !of.defined() ? call.vector(a) : Tensor()),
        shift(relu && !of.defined() ? call.vector(b) : Tensor()) {}
  ReluOutput output() const { return {address(y), address(scale), address(shift)}; }
  Tensor y, scale, shift;
};

/// Running values and coefficients as kernels write them.
struct Moved {
  Moved(const Tensor& running_mean, const Tensor& running_var, const Tensor& out)
      : mean(packed(running_mean, Layout::contiguous)),
        var(packed(running_var, Layout::contiguous)),
        coefficients(packed_output(out, Layout::contiguous)) {}
  void deliver_to(Tensor& running_mean, Tensor& running_var, Tensor& out) const {
    deliver(mean, running_mean);
    deliver(var, running_var);
    deliver(coefficients, out);
  }
  Tensor mean, var, coefficients;
};

}  // namespace

void CudaBackend::channel_sums(const Tensor& x, Tensor& sums) {
  const Call call("channel_sums", x);
  const Tensor in = call.image(x), out = packed_output(sums, Layout::contiguous),
               partial = call.partial(device_);
  CAWE_DEVICE::channel_sums(call.number(), call.shape(), in.raw(), {partial.data<double>(), tickets()},
                            out.data<double>(), stream());
  deliver(out, sums);
}

void CudaBackend::batch_norm_train_coefficients(const Tensor& x, const Tensor& w, const Tensor& b,
                                                double momentum, double eps, Tensor& running_mean,
                                                Tensor& running_var, Tensor& out) {
  const Call call("batch_norm_train_coefficients", x);
  const Tensor in = call.image(x), weight = call.vector(w), bias = call.vector(b),
               partial = call.partial(device_);
  CAWE_CHECK(out.dtype() == weight.dtype(), Code::dtype, "batch_norm_train_coefficients: coefficients of ",
             cawe::name(out.dtype()), " for x of ", cawe::name(x.dtype()), " (expected ",
             cawe::name(weight.dtype()), ")");
  const Moved moved(running_mean, running_var, out);
  channel_coefficients(
      call.number(), call.shape(), in.raw(),
      {weight.raw(), bias.raw(), momentum, eps, moved.mean.raw(), moved.var.raw(), moved.coefficients.raw()},
      {partial.data<double>(), tickets()}, stream());
  moved.deliver_to(running_mean, running_var, out);
}

void CudaBackend::batch_norm_coefficients(const Tensor& sums, double count, const Tensor& w, const Tensor& b,
                                          double momentum, double eps, Tensor& running_mean,
                                          Tensor& running_var, Tensor& out) {
  const Number number = number_of("batch_norm_coefficients", w);
  CAWE_CHECK(number == Number::f32 || number == Number::f64, Code::dtype,
             "batch_norm_coefficients: parameters of ", cawe::name(w.dtype()), " (expected f32 or f64)");
  const Tensor total = sums.defined() ? sums.contiguous() : Tensor();
  const Moved moved(running_mean, running_var, out);
  CAWE_DEVICE::batch_norm_coefficients(number, total.defined() ? total.data<double>() : nullptr, count,
                                       w.contiguous().raw(), b.contiguous().raw(), momentum, eps,
                                       moved.mean.raw(), moved.var.raw(), moved.coefficients.raw(), w.numel(),
                                       stream());
  moved.deliver_to(running_mean, running_var, out);
}

void CudaBackend::channel_affine(const Tensor& x, const Tensor& scale, const Tensor& shift,
                                 const Tensor& residual, bool relu, Tensor& y) {
  const Call call("channel_affine", x);
  const Tensor in = call.image(x), a = call.vector(scale), b = call.vector(shift), r = call.image(residual),
               out = call.output(y);
  CAWE_DEVICE::channel_affine(call.number(), call.shape(), in.raw(), a.raw(), b.raw(), address(r), relu,
                              out.raw(), stream());
  deliver(out, y);
}

void CudaBackend::batch_norm_grad_sums(const Tensor& dy, const Tensor& x, const Tensor& y,
                                       const Tensor& scale, const Tensor& shift, const Tensor& mean,
                                       const Tensor& invstd, bool relu, Tensor& sums) {
  const Call call("batch_norm_grad_sums", x);
  const Relu behind(call, relu, y, scale, shift);
  const Tensor d = call.image(dy), in = call.image(x), m = call.vector(mean), r = call.vector(invstd),
               partial = call.partial(device_), out = packed_output(sums, Layout::contiguous);
  CAWE_DEVICE::batch_norm_grad_sums(call.number(), call.shape(), d.raw(), in.raw(), behind.output(), m.raw(),
                                    r.raw(), {partial.data<double>(), tickets()}, out.data<double>(),
                                    stream());
  deliver(out, sums);
}

void CudaBackend::batch_norm_grad_input(const Tensor& dy, const Tensor& x, const Tensor& y,
                                        const Tensor& scale, const Tensor& shift, const Tensor& mean,
                                        const Tensor& invstd, const Tensor& w, const Tensor& sums,
                                        double count, bool relu, Tensor& dx, Tensor& dresidual) {
  const Call call("batch_norm_grad_input", x);
  const Relu behind(call, relu, y, scale, shift);
  const Tensor d = call.image(dy), in = call.image(x), m = call.vector(mean), r = call.vector(invstd),
               weight = call.vector(w), total = packed(sums, Layout::contiguous), out = call.output(dx),
               out_residual = call.output(dresidual);
  CAWE_DEVICE::batch_norm_grad_input(call.number(), call.shape(), d.raw(), in.raw(), behind.output(), m.raw(),
                                     r.raw(), weight.raw(), total.data<double>(), count, out.raw(),
                                     address(out_residual), stream());
  deliver(out, dx);
  deliver(out_residual, dresidual);
}

void CudaBackend::channel_affine_grad(const Tensor& dy, const Tensor& y, const Tensor& scale, bool relu,
                                      Tensor& dx, Tensor& dresidual) {
  const Call call("channel_affine_grad", dx);
  const Tensor d = call.image(dy), behind = relu ? call.image(y) : Tensor(), a = call.vector(scale),
               out = call.output(dx), out_residual = call.output(dresidual);
  CAWE_DEVICE::channel_affine_grad(call.number(), call.shape(), d.raw(), address(behind), a.raw(), out.raw(),
                                   address(out_residual), stream());
  deliver(out, dx);
  deliver(out_residual, dresidual);
}

}  // namespace CAWE_DEVICE
