// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/pooling.h"

#include "tensor/primitives/pooling.h"
#include "tensor/profile.h"

namespace cawe {

Variable max_pool2d(const Variable& x, const Pool2dParams& p) {
  CAWE_CHECK(x.rank() == 4, Code::shape, "max_pool2d: x ", x.shape(), " (expected [N, C, H, W])");
  CAWE_CHECK(p.kernel > 0 && p.stride > 0 && p.padding >= 0 && 2 * p.padding <= p.kernel, Code::usage,
             "max_pool2d: kernel ", p.kernel, ", stride ", p.stride, ", padding ", p.padding,
             " (expected padding at most half the kernel)");
  const Tensor in = x.value();
  const int64_t h = (in.dim(2) + 2 * p.padding - p.kernel) / p.stride + 1,
                w = (in.dim(3) + 2 * p.padding - p.kernel) / p.stride + 1;
  CAWE_CHECK(in.dim(2) + 2 * p.padding >= p.kernel && in.dim(3) + 2 * p.padding >= p.kernel, Code::shape,
             "max_pool2d: x ", x.shape(), " is smaller than the kernel ", p.kernel);
  const Layout layout =
      in.is_contiguous() && !in.is_channels_last() ? Layout::contiguous : Layout::channels_last;
  Tensor y = Tensor::empty({in.dim(0), in.dim(1), h, w}, in.dtype(), layout, in.device());
  Tensor index = Tensor::empty(y.shape(), DType::i32, layout, in.device());
  ProfileScope scope("max_pool2d");
  primitives::max_pool2d(in, p, y, index);
  return record("max_pool2d", {x}, y,
                [index, p, shape = in.shape(), dtype = in.dtype(), layout](const Tensor& dy) -> Grads {
                  Tensor dx = Tensor::empty(shape, dtype, layout, dy.device());
                  primitives::max_pool2d_grad(dy, index, p, dx);
                  return {dx};
                });
}

Variable global_avg_pool(const Variable& x) {
  CAWE_CHECK(x.rank() == 4 && x.dim(2) * x.dim(3) > 0, Code::shape, "global_avg_pool: x ", x.shape(),
             " (expected [N, C, H, W] with H, W >= 1)");
  const Tensor in = x.value();
  Tensor y = Tensor::empty({in.dim(0), in.dim(1)}, in.dtype(), Layout::contiguous, in.device());
  primitives::global_avg_pool(in, y);
  const Layout layout = in.is_channels_last() ? Layout::channels_last : Layout::contiguous;
  return record("global_avg_pool", {x}, y,
                [shape = in.shape(), dtype = in.dtype(), layout](const Tensor& dy) -> Grads {
                  Tensor dx = Tensor::empty(shape, dtype, layout, dy.device());
                  primitives::global_avg_pool_grad(dy, dx);
                  return {dx};
                });
}

}  // namespace cawe
