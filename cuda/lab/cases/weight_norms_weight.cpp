// SPDX-License-Identifier: Apache-2.0
// Weight norm and its gradient against the CPU's reference in f64.
#include "cuda/kernels/weight_norms.h"
#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/weight_norms.h"

namespace CAWE_DEVICE {
namespace {

double run(CaseContext& c, const MatrixSize& size, DType dtype) {
  const Tensor v = random_tensor({size.rows, size.columns}, "weight norm v", dtype),
               g = random_tensor({size.rows}, "weight norm g", dtype);
  const void *const in = c.upload(v), *const gain = c.upload(g);
  void* const norm = c.fresh<char>(g.numel() * int64_t(size_of(dtype)));
  void* const y = c.fresh<char>(v.numel() * int64_t(size_of(dtype)));
  c.measure([&] { weight_norm(number_for(dtype), in, size, gain, norm, y, c.stream()); });
  Tensor lengths = Tensor::empty(g.shape(), DType::f64), out = Tensor::empty(v.shape(), DType::f64);
  const ReferenceScope reference;
  primitives::weight_norm(v.to(DType::f64), g.to(DType::f64), lengths, out);
  return std::max(relative_error(c.download(y, v.shape(), dtype), out),
                  relative_error(c.download(norm, g.shape(), dtype), lengths));
}

double run_gradient(CaseContext& c, const MatrixSize& size, DType dtype) {
  const Tensor v = random_tensor({size.rows, size.columns}, "weight norm v", dtype),
               dy = random_tensor(v.shape(), "weight norm dy", dtype),
               g = random_tensor({size.rows}, "weight norm g", dtype);
  Tensor norm = random_tensor({size.rows}, "weight norm length", DType::f64);
  for (int64_t o = 0; o < size.rows; ++o) norm.data<double>()[o] = 2 + std::fabs(norm.data<double>()[o]);
  norm = norm.to(dtype);
  const void *const grad = c.upload(dy), *const in = c.upload(v), *const gain = c.upload(g),
                    *const lengths = c.upload(norm);
  void* const dg = c.fresh<char>(g.numel() * int64_t(size_of(dtype)));
  void* const dv = c.fresh<char>(v.numel() * int64_t(size_of(dtype)));
  c.measure([&] { weight_norm_grad(number_for(dtype), grad, in, size, gain, lengths, dv, dg, c.stream()); });
  Tensor by_v = Tensor::empty(v.shape(), DType::f64), by_g = Tensor::empty(g.shape(), DType::f64);
  const ReferenceScope reference;
  primitives::weight_norm_grad(dy.to(DType::f64), v.to(DType::f64), g.to(DType::f64), norm.to(DType::f64),
                               by_v, by_g);
  return std::max(relative_error(c.download(dv, v.shape(), dtype), by_v),
                  relative_error(c.download(dg, g.shape(), dtype), by_g));
}

void add(std::vector<Case>& cases, const MatrixSize& size, DType dtype) {
  const auto bytes = [&](int64_t n) {  // no less than whole sectors move
    return 32 * double(sectors_of(double(n) * double(size_of(dtype))));
  };
  const double matrix = bytes(size.rows * size.columns), vector = bytes(size.rows);
  for (const bool is_gradient : {false, true}) {
    Case r;
    r.name = is_gradient ? "weight_norm_grad" : "weight_norm";
    r.shape = std::string(name(dtype)) + " " + std::to_string(size.rows) + "x" + std::to_string(size.columns);
    r.file = "cuda/kernels/weight_norms_weight.cu";
    r.run = [=](CaseContext& c) { return is_gradient ? run_gradient(c, size, dtype) : run(c, size, dtype); };
    r.tolerance = dtype == DType::f64 ? 1e-14 : 1e-6;
    r.floor_read = (is_gradient ? 2 : 1) * (matrix + vector);
    r.floor_written = matrix + vector;
    r.flops = (is_gradient ? 4 : 3) * double(size.rows * size.columns);
    cases.push_back(r);
  }
}

}  // namespace

void add_weight_norms_weight_cases(std::vector<Case>& cases) {
  // 32 rows of 32 sectors, each read twice and written once (gradient: dy and v twice), and a number of g and
  // of the norm for each row (gradient: of dg, too).
  add(cases, {32, 64 * 4}, DType::f32);
  const size_t counted = cases.size() - 2;
  cases[counted].sectors = 32 * (3 * 32 + 2);
  cases[counted + 1].sectors = 32 * (5 * 32 + 3);
  add(cases, {27, 300}, DType::f32);
  add(cases, {11, 101}, DType::f32);
  add(cases, {8, 130}, DType::f64);
  add(cases, {3, 7}, DType::f64);
}

}  // namespace CAWE_DEVICE
