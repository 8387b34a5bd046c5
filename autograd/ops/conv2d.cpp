// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/conv2d.h"

#include "tensor/backend.h"
#include "tensor/primitives/conv2d.h"
#include "tensor/primitives/elementwise.h"
#include "tensor/profile.h"

namespace cawe {
namespace {

int64_t output_side(int64_t in, int64_t kernel, const Conv2dParams& p) {
  return (in + 2 * p.padding - p.dilation * (kernel - 1) - 1) / p.stride + 1;
}

Shape check(const Variable& x, const Variable& w, const Variable& bias, const Conv2dParams& p) {
  CAWE_CHECK(x.rank() == 4 && w.rank() == 4, Code::shape, "conv2d: x ", x.shape(), " and w ", w.shape(),
             " must be [N, C, H, W] and [O, C / groups, KH, KW]");
  CAWE_CHECK(p.stride > 0 && p.dilation > 0 && p.groups > 0 && p.padding >= 0, Code::usage, "conv2d: stride ",
             p.stride, ", dilation ", p.dilation, ", groups ", p.groups, ", padding ", p.padding);
  CAWE_CHECK(x.dim(1) == w.dim(1) * p.groups && w.dim(0) % p.groups == 0, Code::shape, "conv2d: x ",
             x.shape(), " has ", x.dim(1), " channels, w ", w.shape(), " with groups ", p.groups, " wants ",
             w.dim(1) * p.groups, " (", name(x.dtype()), ", ", name(x.device()),
             "). Build this layer with in = ", x.dim(1), ".");
  CAWE_CHECK(x.dtype() == w.dtype() && (!bias.defined() || bias.dtype() == w.dtype()), Code::dtype,
             "conv2d: x is ", name(x.dtype()), ", w is ", name(w.dtype()), " (expected one dtype)");
  CAWE_CHECK(!bias.defined() || bias.shape() == Shape({w.dim(0)}), Code::shape, "conv2d: bias ", bias.shape(),
             " (expected [", w.dim(0), "])");
  const Shape y{x.dim(0), w.dim(0), output_side(x.dim(2), w.dim(2), p), output_side(x.dim(3), w.dim(3), p)};
  CAWE_CHECK(y[2] > 0 && y[3] > 0, Code::shape, "conv2d: x ", x.shape(), " is smaller than the kernel of w ",
             w.shape());
  return y;
}

}  // namespace

Variable conv2d(const Variable& x, const Variable& w, const Variable& bias, const Conv2dParams& p,
                bool relu) {
  const Shape shape = check(x, w, bias, p);
  const Tensor in = x.value(), weight = w.value(), b = bias.defined() ? bias.value() : Tensor();
  const Layout layout = backend(in.device()).convolution_layout(in.dtype());
  Tensor y = Tensor::empty(shape, in.dtype(), layout, in.device());
  const double flops = 2.0 * double(y.numel()) * double(weight.numel() / weight.dim(0));
  const double bytes = double(size_of(in.dtype())) * double(in.numel() + weight.numel() + y.numel());
  {
    ProfileScope scope("conv2d", flops, bytes);
    primitives::conv2d(in, weight, b, p, relu, y);
  }
  const bool wants_x = needs_grad(x), wants_w = needs_grad(w) || (bias.defined() && needs_grad(bias));
  const Tensor mask = relu ? y : Tensor();
  return record("conv2d", {x, w, bias}, y, [=, shape_x = in.shape()](const Tensor& dy_in) -> Grads {
    Tensor dy = dy_in.in_layout(layout);
    if (mask.defined()) {
      Tensor masked = Tensor::like(mask);
      primitives::unary_grad(UnaryOp::relu, 0, 0, mask, mask, dy, masked);
      dy = masked;
    }
    Tensor dx, dw, db;
    if (wants_x) {
      ProfileScope scope("conv2d_grad_input", flops, bytes);
      dx = Tensor::empty(shape_x, weight.dtype(), layout, weight.device());
      primitives::conv2d_grad_input(dy, weight, p, dx);
    }
    if (wants_w) {
      ProfileScope scope("conv2d_grad_weight", flops, bytes);
      dw = Tensor::like(weight);
      if (b.defined()) db = Tensor::like(b);
      primitives::conv2d_grad_weight(in, dy, p, dw, db);
    }
    return {dx, dw, db};
  });
}

}  // namespace cawe
