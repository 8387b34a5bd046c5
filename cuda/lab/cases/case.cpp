// SPDX-License-Identifier: Apache-2.0
#include "cuda/lab/cases/case.h"

#include "tensor/io/format.h"

namespace CAWE_DEVICE {
namespace {

struct Worst {
  double error = 0;
  std::string text;
};
thread_local Worst worst;

/// Of element `index` in the order of the shape, e.g. "[1, 0, 7]".
std::string place_in(const Shape& shape, size_t index) {
  std::string text;
  auto rest = int64_t(index);
  for (int d = shape.rank() - 1; d >= 0; rest /= shape[d], --d)
    text = std::to_string(rest % shape[d]) + (text.empty() ? "" : ", ") + text;
  return "[" + text + "] of " + detail::concat(shape);
}

}  // namespace

void forget_worst() { worst = {}; }
bool is_worst(double error) { return error > worst.error || (std::isnan(error) && worst.error < INFINITY); }
void remember_worst(double error, const std::string& text) {
  worst = {std::isnan(error) ? INFINITY : error, text};
}
const std::string& worst_of_run() { return worst.text; }

std::string told(double value) { return printf_text("%.17g", value); }
std::string told(float value) { return printf_text("%.9g", double(value)); }
std::string told(unsigned long long value) { return printf_text("0x%llx", value); }

std::string told_difference(const std::string& what, const std::string& got, const std::string& expected,
                            const std::string& place, const char* file, int line) {
  const std::string path = file;
  return (what.empty() ? "" : what + ": ") + "got " + got + ", expected " + expected + " at " + place + " (" +
         path.substr(path.rfind('/') + 1) + ":" + std::to_string(line) + ")";
}

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

double relative_error(const Tensor& a, const Tensor& b, const std::string& what, const char* file, int line) {
  if (a.shape() != b.shape())
    return noted(INFINITY, "the end", a.numel(), b.numel(), what + " numbers", file, line);
  const std::vector<double> x = a.to(DType::f64).to_vector<double>(),
                            y = b.to(DType::f64).to_vector<double>();
  double difference = 0, largest = 1e-6;
  size_t farthest = 0;
  const auto at_farthest = [&](double error) {
    return error == 0
               ? error
               : noted(error, place_in(a.shape(), farthest), x[farthest], y[farthest], what, file, line);
  };
  for (size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) {
      farthest = i;
      return at_farthest(INFINITY);
    }
    if (std::fabs(x[i] - y[i]) > difference) {
      difference = std::fabs(x[i] - y[i]);
      farthest = i;
    }
    largest = std::max(largest, std::fabs(y[i]));
  }
  return at_farthest(difference / largest);
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
