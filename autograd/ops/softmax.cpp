// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/softmax.h"

#include "tensor/primitives/softmax.h"

namespace cawe {

Variable softmax(const Variable& x) {
  CAWE_CHECK(x.rank() == 2 && x.dim(1) > 0, Code::shape, "softmax: x ", x.shape(),
             " (expected [R, C] with C >= 1)");
  Tensor y = Tensor::like(x.value());
  primitives::softmax(x.value(), y);
  return record("softmax", {x}, y, [y](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::like(y);
    primitives::softmax_grad(y, dy, dx);
    return {dx};
  });
}

}  // namespace cawe
