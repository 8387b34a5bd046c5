// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/shuffle.h"

#include "tensor/primitives/shuffle.h"
#include "tensor/profile.h"

namespace cawe {
namespace {

double bytes_of(const Tensor& x) { return double(size_of(x.dtype())) * double(x.numel()); }

/// Uninitialised, in x's memory order.
Tensor output(const Tensor& x, const Shape& shape) {
  return Tensor::empty(shape, x.dtype(), x.is_channels_last() ? Layout::channels_last : Layout::contiguous,
                       x.device());
}

}  // namespace

Variable pixel_shuffle(const Variable& x) {
  CAWE_CHECK(x.rank() == 4 && x.dim(1) % 4 == 0, Code::shape, "pixel_shuffle: x ", x.shape(),
             " (expected [N, 4C, H, W])");
  const Tensor in = x.value();
  ProfileScope scope("pixel_shuffle", 0, 2 * bytes_of(in));
  Tensor y = output(in, {x.dim(0), x.dim(1) / 4, 2 * x.dim(2), 2 * x.dim(3)});
  primitives::pixel_shuffle(in, y);
  return record("pixel_shuffle", {x}, y, [shape = in.shape()](const Tensor& dy) -> Grads {
    Tensor dx = output(dy, shape);
    primitives::pixel_shuffle_grad(dy, dx);
    return {dx};
  });
}

Variable blur(const Variable& x) {
  CAWE_CHECK(x.rank() == 4, Code::shape, "blur: x ", x.shape(), " (expected [N, C, H, W])");
  const Tensor in = x.value();
  ProfileScope scope("blur", 4.0 * double(in.numel()), 2 * bytes_of(in));
  Tensor y = output(in, in.shape());
  primitives::blur(in, y);
  return record("blur", {x}, y, [](const Tensor& dy) -> Grads {
    Tensor dx = output(dy, dy.shape());
    primitives::blur_grad(dy, dx);
    return {dx};
  });
}

}  // namespace cawe
