// SPDX-License-Identifier: Apache-2.0
// Rows by number, and the sums of their gradients: plain loops.
#include <cstring>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {

void ReferenceBackend::gather_rows(const Tensor& x, const Tensor& index, Tensor& y) {
  const int64_t* rows = index.data<int64_t>();
  // Rows are often short: a call of the backend for each would cost more than the copy.
  const bool plain = x.is_contiguous() && y.is_contiguous() && x.dtype() == y.dtype();
  const size_t bytes = x.dim(0) == 0 ? 0 : size_t(x.numel() / x.dim(0)) * size_of(x.dtype());
  for (int64_t k = 0; k < index.numel(); ++k) {
    const int64_t r = rows[k * index.stride(0)];
    CAWE_CHECK(r >= -1 && r < x.dim(0), Code::shape, "gather_rows: index ", r, " of ", x.dim(0), " rows");
    Tensor to = plain ? Tensor() : y.slice(0, k, k + 1);
    if (plain) {
      char* row = static_cast<char*>(y.raw()) + size_t(k) * bytes;
      if (r < 0)
        std::memset(row, 0, bytes);
      else
        std::memcpy(row, static_cast<const char*>(x.raw()) + size_t(r) * bytes, bytes);
    } else if (r < 0) {
      fill(to, 0);
    } else {
      copy(x.slice(0, r, r + 1), to);
    }
  }
}

void ReferenceBackend::gather_rows_grad(const Tensor& dy, const Tensor& index, Tensor& dx) {
  fill(dx, 0);
  const int64_t* rows = index.data<int64_t>();
  for (int64_t k = 0; k < index.numel(); ++k) {
    const int64_t r = rows[k * index.stride(0)];
    if (r < 0) continue;
    Tensor to = dx.slice(0, r, r + 1);
    accumulate(dy.slice(0, k, k + 1), to);
  }
}

}  // namespace cawe
