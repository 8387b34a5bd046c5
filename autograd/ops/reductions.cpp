// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/reductions.h"

#include "tensor/primitives/elementwise.h"
#include "tensor/primitives/reductions.h"

namespace cawe {

Variable sum(const Variable& x, const std::vector<int>& dims) {
  const Shape from = x.shape();
  Shape kept = from, dropped;  // kept: summed dimensions have size 1; dropped: without them
  std::vector<bool> summed(size_t(from.rank()), dims.empty());
  for (int d : dims) {
    CAWE_CHECK(d >= -from.rank() && d < from.rank(), Code::shape, "sum: dimension ", d, " of ", from);
    summed[size_t(d < 0 ? d + from.rank() : d)] = true;
  }
  for (int d = 0; d < from.rank(); ++d) {
    if (summed[size_t(d)])
      kept[d] = 1;
    else
      dropped.push_back(from[d]);
  }
  Tensor y = Tensor::empty(kept, x.dtype(), Layout::contiguous, x.device());
  primitives::sum_to(x.value(), y);
  return record("sum", {x}, y.reshape(dropped), [from, kept](const Tensor& dy) -> Grads {
    return {dy.reshape(kept).expand(from).contiguous()};
  });
}

Variable mean(const Variable& x, const std::vector<int>& dims) {
  const Variable total = sum(x, dims);
  CAWE_CHECK(x.numel() > 0, Code::shape, "mean: ", x.shape(), " has no elements");
  const double factor = double(total.numel()) / double(x.numel());
  Tensor y = Tensor::like(total.value());
  primitives::unary(UnaryOp::affine, factor, 0, total.value(), y);
  return record("mean", {total}, y, [factor](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::like(dy);
    primitives::unary(UnaryOp::affine, factor, 0, dy, dx);
    return {dx};
  });
}

}  // namespace cawe
