// SPDX-License-Identifier: Apache-2.0
// Rows by number, and the sums of their gradients.
#include "cuda/kernels/gather_rows.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/backend/views.h"

namespace CAWE_DEVICE {
namespace {

/// Elements of one row of x [R, ..].
int64_t row_elements(const Tensor& x) {
  int64_t n = 1;
  for (int d = 1; d < x.rank(); ++d) n *= x.dim(d);
  return n;
}

}  // namespace

/// An index outside x that is not -1 gives a row of NaN (integers: -1): a kernel cannot throw, and checking on the host
/// would wait for the device.
void CudaBackend::gather_rows(const Tensor& x, const Tensor& index, Tensor& y) {
  const Tensor in = x.contiguous(), numbers = index.contiguous();
  Tensor out = packed_output(y, Layout::contiguous);
  CAWE_DEVICE::gather_rows(in.raw(), in.dim(0), row_elements(in) * int64_t(size_of(in.dtype())),
                           numbers.data<int64_t>(), numbers.numel(), out.raw(), stream());
  if (out.raw() != y.raw()) y.copy_from(out);
}

void CudaBackend::gather_rows_grad(const Tensor& dy, const Tensor& index, Tensor& dx) {
  const Tensor in = dy.contiguous(), numbers = index.contiguous();
  const int64_t n = one_segment("gather_rows_grad", numbers.numel()).longest;
  Tensor out = packed_output(dx, Layout::contiguous);
  const Tensor scratch = bytes_on(device(), gather_rows_grad_scratch(n));
  CAWE_DEVICE::gather_rows_grad(number_of("gather_rows_grad", dy), in.raw(), numbers.data<int64_t>(), n,
                                out.dim(0), row_elements(out), out.raw(), scratch.raw(), stream());
  if (out.raw() != dx.raw()) dx.copy_from(out);
}

}  // namespace CAWE_DEVICE
