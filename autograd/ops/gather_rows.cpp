// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/gather_rows.h"

#include "tensor/primitives/gather_rows.h"

namespace cawe {

Variable gather_rows(const Variable& x, const Tensor& index) {
  CAWE_CHECK(x.rank() >= 1 && index.rank() == 1 && index.dtype() == DType::i64, Code::shape,
             "gather_rows: x ", x.shape(), ", index ", index.shape(), " ", name(index.dtype()),
             " (expected [R, ...] and i64 [K])");
  Shape shape = x.shape();
  shape[0] = index.dim(0);
  Tensor y = Tensor::empty(shape, x.dtype(), Layout::contiguous, x.device());
  primitives::gather_rows(x.value(), index, y);
  return record("gather_rows", {x}, y, [from = x.shape(), index](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::empty(from, dy.dtype(), Layout::contiguous, dy.device());
    primitives::gather_rows_grad(dy, index, dx);
    return {dx};
  });
}

}  // namespace cawe
