// SPDX-License-Identifier: Apache-2.0
// Softmax of rows: contiguous tensors.
#include "cuda/kernels/softmax.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"

namespace CAWE_DEVICE {

void CudaBackend::softmax(const Tensor& x, Tensor& y) {
  const Number number = number_of("softmax", x);
  const Tensor in = packed(x, Layout::contiguous), out = packed_output(y, Layout::contiguous);
  CAWE_DEVICE::softmax(number, in.raw(), out.raw(), in.dim(0), in.dim(1), stream());
  deliver(out, y);
}

void CudaBackend::softmax_grad(const Tensor& y, const Tensor& dy, Tensor& dx) {
  const Number number = number_of("softmax_grad", y);
  const Tensor probabilities = packed(y, Layout::contiguous), gradient = packed(dy, Layout::contiguous);
  const Tensor out = packed_output(dx, Layout::contiguous);
  CAWE_DEVICE::softmax_grad(number, probabilities.raw(), gradient.raw(), out.raw(), y.dim(0), y.dim(1),
                            stream());
  deliver(out, dx);
}

}  // namespace CAWE_DEVICE
