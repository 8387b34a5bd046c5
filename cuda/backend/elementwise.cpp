// SPDX-License-Identifier: Apache-2.0
// Element-wise arithmetic. The kernels take any strides and choose a faster path for dense tensors
// themselves.
#include "cuda/kernels/elementwise.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/views.h"

namespace CAWE_DEVICE {
namespace {

Operand input(const Tensor& x, const Shape& shape) { return {x.raw(), view_of(x, shape)}; }
Result output(Tensor& y) { return {y.raw(), view_of(y)}; }

}  // namespace

void CudaBackend::unary(UnaryOp op, double a, double b, const Tensor& x, Tensor& y) {
  CAWE_DEVICE::unary(common_number("unary", x, y), op, a, b, input(x, y.shape()), output(y), stream());
}

void CudaBackend::unary_grad(UnaryOp op, double a, double b, const Tensor& x, const Tensor& y,
                             const Tensor& dy, Tensor& dx) {
  const Shape& shape = dx.shape();
  CAWE_DEVICE::unary_grad(common_number("unary_grad", x, y, dy, dx), op, a, b, input(x, shape),
                          input(y, shape), input(dy, shape), output(dx), stream());
}

void CudaBackend::binary(BinaryOp op, const Tensor& p, const Tensor& q, Tensor& y) {
  CAWE_DEVICE::binary(common_number("binary", p, q, y), op, input(p, y.shape()), input(q, y.shape()),
                      output(y), stream());
}

void CudaBackend::accumulate(const Tensor& x, Tensor& y) {
  CAWE_DEVICE::accumulate(common_number("accumulate", x, y), input(x, y.shape()), output(y), stream());
}

}  // namespace CAWE_DEVICE
