// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/resize.h"

#include "tensor/primitives/resize.h"

namespace cawe {
namespace {

Layout layout_of(const Tensor& x) {
  return x.is_channels_last() ? Layout::channels_last : Layout::contiguous;
}

void check(const char* name, const Variable& x, int64_t height, int64_t width) {
  CAWE_CHECK(x.rank() == 4 && x.dim(2) > 0 && x.dim(3) > 0 && height > 0 && width > 0, Code::shape, name,
             ": x ", x.shape(), " to ", height, " x ", width,
             " (expected [N, C, H, W], sides of at least 1)");
}

Variable upsample(const Variable& x, const Variable& add, int64_t height, int64_t width) {
  check("upsample_nearest", x, height, width);
  const Tensor in = x.value(), more = add.defined() ? add.value() : Tensor();
  const Layout layout = layout_of(in);
  Tensor y = Tensor::empty({in.dim(0), in.dim(1), height, width}, in.dtype(), layout, in.device());
  primitives::upsample_nearest(in, more, y);
  return record("upsample_nearest", {x, add}, y, [shape = in.shape(), layout](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::empty(shape, dy.dtype(), layout, dy.device());
    primitives::upsample_nearest_grad(dy, dx);
    return {dx, dy};
  });
}

}  // namespace

Variable upsample_nearest(const Variable& x, const Variable& add) {
  CAWE_CHECK(add.rank() == 4 && x.rank() == 4 && add.dim(0) == x.dim(0) && add.dim(1) == x.dim(1),
             Code::shape, "upsample_nearest: x ", x.shape(), " and add ", add.shape(),
             " (expected equal N and C)");
  return upsample(x, add, add.dim(2), add.dim(3));
}

Variable upsample_nearest(const Variable& x, int64_t height, int64_t width) {
  return upsample(x, {}, height, width);
}

Variable resize_bilinear(const Variable& x, int64_t height, int64_t width) {
  check("resize_bilinear", x, height, width);
  const Tensor in = x.value();
  const Layout layout = layout_of(in);
  Tensor y = Tensor::empty({in.dim(0), in.dim(1), height, width}, in.dtype(), layout, in.device());
  primitives::resize_bilinear(in, y);
  return record("resize_bilinear", {x}, y, [shape = in.shape(), layout](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::empty(shape, dy.dtype(), layout, dy.device());
    primitives::resize_bilinear_grad(dy, dx);
    return {dx};
  });
}

}  // namespace cawe
