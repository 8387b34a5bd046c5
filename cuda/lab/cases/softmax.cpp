// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/softmax.h"

#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/softmax.h"

namespace CAWE_DEVICE {
namespace {

/// Logits with a standard deviation of 3.
Tensor logits(const Shape& shape, DType dtype) {
  Tensor x = random_tensor(shape, "softmax logits", DType::f64);
  for (int64_t i = 0; i < x.numel(); ++i) x.data<double>()[i] *= 3;
  return x.to(dtype);
}

Tensor reference_softmax(const Tensor& x) {
  Tensor y = Tensor::like(x);
  const ReferenceScope reference;
  primitives::softmax(x, y);
  return y;
}

double run(CaseContext& c, int64_t rows, int64_t columns, DType dtype) {
  const Tensor x = logits({rows, columns}, dtype);
  const void* in = c.upload(x);
  void* out = c.fresh<char>(x.numel() * int64_t(size_of(dtype)));
  c.measure([&] { softmax(number_for(dtype), in, out, rows, columns, c.stream()); });
  return relative_error(c.download(out, x.shape(), dtype), reference_softmax(x.to(DType::f64)));
}

double run_grad(CaseContext& c, int64_t rows, int64_t columns, DType dtype) {
  const Tensor y = reference_softmax(logits({rows, columns}, DType::f64)).to(dtype);
  const Tensor dy = random_tensor({rows, columns}, "softmax dy", dtype);
  const void *yp = c.upload(y), *dyp = c.upload(dy);
  void* out = c.fresh<char>(y.numel() * int64_t(size_of(dtype)));
  c.measure([&] { softmax_grad(number_for(dtype), yp, dyp, out, rows, columns, c.stream()); });
  Tensor expected = Tensor::empty(y.shape(), DType::f64);
  const ReferenceScope reference;
  primitives::softmax_grad(y.to(DType::f64), dy.to(DType::f64), expected);
  return relative_error(c.download(out, y.shape(), dtype), expected);
}

/// Rows with one finite number among -inf, with nothing but -inf, with a NaN, and with logits of 1e4. Counts
/// what differs from the reference: NaN in other places, no exact 0 or 1.
double run_special(CaseContext& c, int64_t columns) {
  std::vector<float> x(size_t(4 * columns), -INFINITY);
  for (int64_t j = 0; j < columns; ++j) {
    x[size_t(2 * columns + j)] = float(j % 5);
    x[size_t(3 * columns + j)] = j == columns / 2 ? 1e4f : -1e4f;
  }
  x[size_t(columns - 1)] = 0.5f;
  x[size_t(2 * columns + columns / 3)] = NAN;
  const float* in = c.upload(x);
  auto* out = c.fresh<float>(4 * columns);
  c.measure([&] { softmax(Number::f32, in, out, 4, columns, c.stream()); });
  const auto got = c.download(out, 4 * columns);
  const auto expected = reference_softmax(Tensor::from(x, {4, columns})).to_vector<float>();
  return different_or_nan(got, expected);
}

Case make_case(bool gradient, int64_t rows, int64_t columns, DType dtype, double tolerance) {
  Case r;
  r.name = gradient ? "softmax_grad" : "softmax";
  r.shape = std::string(name(dtype)) + " " + std::to_string(rows) + "x" + std::to_string(columns);
  r.file = "cuda/kernels/softmax.cu";
  r.run = [=](CaseContext& c) {
    return gradient ? run_grad(c, rows, columns, dtype) : run(c, rows, columns, dtype);
  };
  r.tolerance = tolerance;
  const double n = double(rows * columns);
  const auto matrix = 32 * double(sectors_of(n * double(size_of(dtype))));  // no less than whole sectors move
  r.floor_read = (gradient ? 2 : 1) * matrix;
  r.floor_written = matrix;
  r.flops = (gradient ? 4 : 5) * n;
  return r;
}

}  // namespace

// Tolerances: 8 roundings of 2^-24, half a unit in the last place of f16 and bf16 numbers, and in f64 the
// 2e-15 by which exp() lifts the roundings of logits as large as 10 or 20.
void add_softmax_cases(std::vector<Case>& cases) {
  const auto forward = [&](int64_t r, int64_t c, DType dtype, double tolerance) {
    cases.push_back(make_case(false, r, c, dtype, tolerance));
  };
  const auto gradient = [&](int64_t r, int64_t c, DType dtype, double tolerance) {
    cases.push_back(make_case(true, r, c, dtype, tolerance));
  };
  // A row of 400 B begins 0 or 16 B into a sector and touches 13 of them, in and out.
  forward(64, 100, DType::f32, 1e-6);
  cases.back().sectors = 64 * 13 * 2;
  cases.back().min_simt = 0.8;
  forward(300, 2, DType::f32, 1e-6);
  forward(33, 7, DType::f32, 1e-6);
  forward(1, 1, DType::f32, 0);
  forward(40, 21, DType::f32, 1e-6);
  forward(9, 99, DType::f32, 1e-6);
  forward(9, 331, DType::f32, 1e-6);
  forward(8, 512, DType::f32, 1e-6);
  forward(8, 1024, DType::f32, 1e-6);
  cases.back().sectors = 8 * 4096 / 32 * 2;
  cases.back().min_simt = 1;
  // A block: for each of two totals 8 stores and 1 load of sums, then 1 store and 8 loads of the result.
  forward(3, 1500, DType::f32, 1e-6);
  cases.back().wavefronts = 3 * 2 * (8 + 1 + 1 + 8);
  forward(2, 1027, DType::f32, 1e-6);
  // 8,192 columns stay in registers, the other 808 are read twice: 3,232 B or 101 sectors.
  forward(2, 9000, DType::f32, 1e-6);
  cases.back().sectors = 2 * (2 * 9000 * 4 / 32 + 101);
  forward(1, 8203, DType::f32, 1e-6);
  forward(9, 256, DType::f16, 1e-3);
  forward(3, 2048, DType::f16, 1e-3);
  forward(9, 72, DType::bf16, 4e-3);
  forward(9, 1024, DType::bf16, 4e-3);
  forward(9, 33, DType::f64, 4e-15);
  forward(3, 256, DType::f64, 4e-15);
  forward(2, 2200, DType::f64, 4e-15);
  for (const int64_t columns : {7, 70, 1500}) {
    Case r = make_case(false, 4, columns, DType::f32, 0);
    r.shape += " with infinities";
    r.run = [columns](CaseContext& c) { return run_special(c, columns); };
    cases.push_back(r);
  }
  gradient(64, 100, DType::f32, 1e-6);
  cases.back().sectors = 64 * 13 * 3;
  gradient(33, 7, DType::f32, 1e-6);
  gradient(9, 99, DType::f32, 1e-6);
  gradient(9, 331, DType::f32, 1e-6);
  gradient(8, 1024, DType::f32, 1e-6);
  gradient(2, 1500, DType::f32, 1e-6);
  gradient(2, 5000, DType::f32, 1e-6);
  // 4,096 columns stay in registers, 904 of y and of dy are read twice: 3,616 B or 113 sectors.
  cases.back().sectors = 2 * (3 * 5000 * 4 / 32 + 2 * 113);
  gradient(1, 4099, DType::f32, 1e-6);
  gradient(9, 64, DType::f16, 1e-3);
  gradient(9, 100, DType::bf16, 4e-3);
  gradient(5, 33, DType::f64, 4e-15);
  gradient(1, 1200, DType::f64, 4e-15);
}

}  // namespace CAWE_DEVICE
