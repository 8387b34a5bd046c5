// SPDX-License-Identifier: Apache-2.0
// Spectral norm: u, v, sigma and y after one call, and the gradient, against the CPU's reference in f64.
#include "cuda/kernels/weight_norms.h"
#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/weight_norms.h"

namespace CAWE_DEVICE {
namespace {

constexpr double kEps = 1e-12;

/// A weight with one direction that is stronger than the others, and unit-free u and v.
struct Inputs {
  Inputs(const MatrixSize& size, DType dtype)
      : w(random_tensor({size.rows, size.columns}, "spectral w", DType::f64)),
        u(random_tensor({size.rows}, "spectral u", dtype)),
        v(random_tensor({size.columns}, "spectral v", dtype)) {
    for (int64_t i = 0; i < w.numel(); ++i) w.data<double>()[i] += 0.5;
    w = w.to(dtype);
  }
  Tensor w, u, v;
};

char* scratch_for(CaseContext& c, DType dtype, const MatrixSize& size) {
  return c.fresh<char>(spectral_norm_scratch(number_for(dtype), size));
}

double run(CaseContext& c, const MatrixSize& size, DType dtype, bool iterate) {
  const Inputs in(size, dtype);
  const void* const w = c.upload(in.w);
  void *const u = c.upload(in.u), *const v = c.upload(in.v);
  void* const sigma = c.fresh<char>(int64_t(size_of(dtype)));
  void* const y = c.fresh<char>(in.w.numel() * int64_t(size_of(dtype)));
  void* const scratch = scratch_for(c, dtype, size);
  c.measure(
      [&] { spectral_norm(number_for(dtype), w, size, iterate, kEps, u, v, sigma, y, scratch, c.stream()); });
  Tensor left = in.u.to(DType::f64).clone(), right = in.v.to(DType::f64).clone(),
         s = Tensor::empty({1}, DType::f64), out = Tensor::empty(in.w.shape(), DType::f64);
  const ReferenceScope reference;
  primitives::spectral_norm(in.w.to(DType::f64), iterate, kEps, left, right, s, out);
  double error = relative_error(c.download(y, in.w.shape(), dtype), out);
  error = std::max(error, relative_error(c.download(u, in.u.shape(), dtype), left));
  error = std::max(error, relative_error(c.download(v, in.v.shape(), dtype), right));
  return std::max(error, relative_error(c.download(sigma, {1}, dtype), s));
}

double run_gradient(CaseContext& c, const MatrixSize& size, DType dtype) {
  const Inputs in(size, dtype);
  const Tensor dy = random_tensor(in.w.shape(), "spectral dy", dtype);
  const Tensor sigma = Tensor::full({1}, 1.75, dtype);
  const void *const g = c.upload(dy), *const made = c.upload(in.w), *const u = c.upload(in.u),
                    *const v = c.upload(in.v), *const s = c.upload(sigma);
  void* const dw = c.fresh<char>(in.w.numel() * int64_t(size_of(dtype)));
  void* const scratch = scratch_for(c, dtype, size);
  c.measure([&] { spectral_norm_grad(number_for(dtype), g, made, size, u, v, s, dw, scratch, c.stream()); });
  Tensor expected = Tensor::empty(in.w.shape(), DType::f64);
  const ReferenceScope reference;
  primitives::spectral_norm_grad(dy.to(DType::f64), in.w.to(DType::f64), in.u.to(DType::f64),
                                 in.v.to(DType::f64), sigma.to(DType::f64), expected);
  return relative_error(c.download(dw, in.w.shape(), dtype), expected);
}

Case make_case(const std::string& name, const MatrixSize& size, DType dtype,
               std::function<double(CaseContext&)> run, const std::string& more = "") {
  Case r;
  r.name = name;
  r.shape = std::string(cawe::name(dtype)) + " " + std::to_string(size.rows) + "x" +
            std::to_string(size.columns) + more;
  r.file = "cuda/kernels/weight_norms_spectral.cu";
  r.run = std::move(run);
  r.tolerance = dtype == DType::f64 ? 1e-13 : 2e-6;
  return r;
}

Case forward(const MatrixSize& size, DType dtype, bool iterate) {
  Case r = make_case(
      "spectral_norm", size, dtype, [=](CaseContext& c) { return run(c, size, dtype, iterate); },
      iterate ? "" : " without iteration");
  r.flops = (iterate ? 5.0 : 3.0) * double(size.rows * size.columns);
  return r;
}

Case gradient(const MatrixSize& size, DType dtype) {
  Case r = make_case("spectral_norm_grad", size, dtype,
                     [=](CaseContext& c) { return run_gradient(c, size, dtype); });
  r.flops = 5 * double(size.rows * size.columns);
  return r;
}

/// 256 x 512 of f32: 16,384 sectors. Bytes are counted a launch at a time.
void add_counted(std::vector<Case>& cases) {
  constexpr int64_t kRows = 256, kColumns = 512;
  constexpr double kMatrix = kRows * kColumns * 4, kU = kRows * 4, kV = kColumns * 4;
  constexpr uint64_t kSectors = kRows * kColumns * 4 / 32, kLines = 64, kHalf = 32;  // of the matrix, v and u
  // W^T u: 4 x 2 blocks; a warp asks for u[o] with each row: 4 x 256. Two splits are stored, read and added,
  // with 2 sums of squares.
  constexpr uint64_t kTransposed = kSectors + 4 * 256 + 2 * kLines, kAdded = 2 * kLines + kLines + 2;
  // W v: 64 warps load v once for 4 rows and store 4 numbers.
  constexpr uint64_t kProduct = kSectors + 64 * kLines + 256;
  // Three blocks read 2 sums of squares; v is normalised; wv is read twice, u and sigma are stored.
  constexpr uint64_t kFinish = 3 + 2 * kLines + 3 * kHalf + 1;
  // y: 16 blocks of 8 warps load sigma.
  constexpr uint64_t kDivide = 2 * kSectors + 16 * 8;
  cases.push_back(forward({kRows, kColumns}, DType::f32, true));
  cases.back().sectors = kTransposed + kAdded + kProduct + kFinish + kDivide;
  cases.back().floor_read = 3 * kMatrix + 2 * kU + 2 * kV + 2 * kV + 2 * 8 + 4;
  cases.back().floor_written = kMatrix + 2 * kU + 2 * kV + 2 * kV + 2 * 8 + 4;
  // A block of W^T u: 8 warps store 512 B each, 4 read 8 lines each. Sums of squares: 8 stores and a load;
  // where all threads want a sum, a store and 8 loads of 64 bits (2 each) more, in 3 blocks and once more in
  // the first.
  cases.back().wavefronts = 8 * (8 * 4 + 4 * 8) + 2 * 9 + 4 * 26;
  cases.push_back(forward({kRows, kColumns}, DType::f32, false));
  // sigma: wv, u.
  cases.back().sectors = kProduct + 2 * kHalf + 1 + kDivide;
  cases.back().floor_read = 2 * kMatrix + kV + 2 * kU + 4;
  cases.back().floor_written = kMatrix + kU + 4;
  cases.back().wavefronts = 26;
  // <dy, y>: 16 blocks, their sums added; then 4 x 8 blocks of 8 warps, which load v, sigma and the sum once,
  // and u with each row.
  cases.push_back(gradient({kRows, kColumns}, DType::f32));
  cases.back().sectors = 2 * kSectors + 16 + 4 + 1 + 2 * kSectors + 32 * 8 * (16 + 2) + 4 * 256;
  cases.back().floor_read = 3 * kMatrix + 16 * 8 + kU + kV + 4 + 8;
  cases.back().floor_written = kMatrix + 16 * 8 + 8;
  cases.back().wavefronts = 16 * 9 + 26;
}

}  // namespace

void add_weight_norms_spectral_cases(std::vector<Case>& cases) {
  add_counted(cases);
  const auto both = [&](const MatrixSize& size, DType dtype) {
    cases.push_back(forward(size, dtype, true));
    cases.push_back(gradient(size, dtype));
  };
  both({130, 129}, DType::f32);
  both({6, 2304}, DType::f32);  // a block for 4 rows
  both({5, 2051}, DType::f32);
  both({1, 96}, DType::f32);
  both({35, 26}, DType::f64);
  both({3, 2050}, DType::f64);
  both({9, 27}, DType::f64);
  cases.push_back(forward({6, 2304}, DType::f64, false));
}

}  // namespace CAWE_DEVICE
