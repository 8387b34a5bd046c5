// SPDX-License-Identifier: Apache-2.0
// Rows by number, and the sums of their gradients: plain loops.
#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {

void ReferenceBackend::gather_rows(const Tensor& x, const Tensor& index, Tensor& y) {
  const int64_t* rows = index.data<int64_t>();
  for (int64_t k = 0; k < index.numel(); ++k) {
    const int64_t r = rows[k * index.stride(0)];
    CAWE_CHECK(r >= 0 && r < x.dim(0), Code::shape, "gather_rows: index ", r, " of ", x.dim(0), " rows");
    Tensor to = y.slice(0, k, k + 1);
    copy(x.slice(0, r, r + 1), to);
  }
}

void ReferenceBackend::gather_rows_grad(const Tensor& dy, const Tensor& index, Tensor& dx) {
  fill(dx, 0);
  const int64_t* rows = index.data<int64_t>();
  for (int64_t k = 0; k < index.numel(); ++k) {
    const int64_t r = rows[k * index.stride(0)];
    Tensor to = dx.slice(0, r, r + 1);
    accumulate(dy.slice(0, k, k + 1), to);
  }
}

}  // namespace cawe
