// SPDX-License-Identifier: Apache-2.0
#include "cuda/lab/cases/case.h"

namespace CAWE_DEVICE {

void* CaseContext::upload(const Tensor& x) {
  CAWE_CHECK(x.is_dense(), Code::internal, "kernel case: only dense tensors are uploaded");
  return upload_bytes(x.raw(), size_t(x.numel()) * size_of(x.dtype()));
}

Tensor CaseContext::download(const void* p, const Shape& shape, DType dtype, Layout layout) {
  Tensor t = Tensor::empty(shape, dtype, layout);
  download_bytes(p, t.raw(), size_t(t.numel()) * size_of(dtype));
  return t;
}

Number number_for(DType dtype) {
  return dtype == DType::f64    ? Number::f64
         : dtype == DType::f16  ? Number::f16
         : dtype == DType::bf16 ? Number::bf16
                                : Number::f32;
}

double relative_error(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return INFINITY;
  const std::vector<double> x = a.to(DType::f64).to_vector<double>(),
                            y = b.to(DType::f64).to_vector<double>();
  double difference = 0, largest = 1e-6;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) return INFINITY;
    difference = std::max(difference, std::fabs(x[i] - y[i]));
    largest = std::max(largest, std::fabs(y[i]));
  }
  return difference / largest;
}

Tensor random_tensor(const Shape& shape, const std::string& purpose, DType dtype, Layout layout) {
  const Random random(21, purpose);
  std::vector<float> values(static_cast<size_t>(shape.numel()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = float(random.normal(i));
  Tensor t = Tensor::empty(shape, dtype, layout);
  t.copy_from(Tensor::from(values, shape));
  return t;
}

}  // namespace CAWE_DEVICE
