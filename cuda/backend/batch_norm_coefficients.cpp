// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/batch_norm_coefficients.h"

#include "cuda/backend/cuda_backend.h"

namespace CAWE_DEVICE {

void CudaBackend::batch_norm_coefficients(const Tensor& sums, double count, const Tensor& w, const Tensor& b,
                                          double momentum, double eps, Tensor& running_mean,
                                          Tensor& running_var, Tensor& out) {
  const Number number = number_of("batch_norm_coefficients", w);
  CAWE_CHECK(number == Number::f32 || number == Number::f64, Code::dtype,
             "batch_norm_coefficients: parameters of ", cawe::name(w.dtype()), " (expected f32 or f64)");
  const Tensor total = sums.defined() ? sums.contiguous() : Tensor();
  CAWE_DEVICE::batch_norm_coefficients(number, total.defined() ? total.data<double>() : nullptr, count,
                                       w.contiguous().raw(), b.contiguous().raw(), momentum, eps,
                                       running_mean.raw(), running_var.raw(), out.raw(), w.numel(), stream());
}

}  // namespace CAWE_DEVICE
