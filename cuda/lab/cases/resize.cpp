// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/resize.h"

#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/resize.h"

namespace CAWE_DEVICE {
namespace {

constexpr DType kFloating[] = {DType::f32, DType::f64, DType::f16, DType::bf16};

struct Problem {
  Shape in, out;
  DType dtype;
  Layout layout;

  bool last() const { return layout == Layout::channels_last; }
  DType compute() const { return dtype == DType::f64 ? DType::f64 : DType::f32; }
  int64_t bytes(const Shape& s) const { return s.numel() * int64_t(size_of(dtype)); }
};

Dims4 dims(const Shape& s) { return {s[0], s[1], s[2], s[3]}; }

double different_numbers(const Tensor& a, const Tensor& b) {
  return different(a.to(DType::f64).to_vector<double>(), b.to(DType::f64).to_vector<double>());
}

/// f32 and f64 must give the CPU's bits, the others the CPU's f32 rounded.
double run_nearest(CaseContext& c, const Problem& k, bool with_add) {
  const Tensor x = random_tensor(k.in, "upsampled", k.dtype, k.layout),
               add = random_tensor(k.out, "lateral", k.dtype, k.layout);
  const void* const in = c.upload(x);
  const void* const more = with_add ? c.upload(add) : nullptr;
  void* const y = c.fresh<char>(k.bytes(k.out));
  c.measure([&] {
    upsample_nearest(number_for(k.dtype), in, more, y, dims(k.in), dims(k.out), k.last(), c.stream());
  });
  Tensor expected = Tensor::empty(k.out, k.compute());
  const ReferenceScope reference;
  primitives::upsample_nearest(x.to(k.compute()), with_add ? add.to(k.compute()) : Tensor(), expected);
  return different_numbers(c.download(y, k.out, k.dtype, k.layout), expected.to(k.dtype));
}

double run_nearest_gradient(CaseContext& c, const Problem& k) {
  const Tensor dy = random_tensor(k.out, "nearest gradient", k.dtype, k.layout);
  const void* const g = c.upload(dy);
  void* const dx = c.fresh<char>(k.bytes(k.in));
  c.measure([&] {
    upsample_nearest_grad(number_for(k.dtype), g, dx, dims(k.out), dims(k.in), k.last(), c.stream());
  });
  Tensor expected = Tensor::empty(k.in, k.compute());
  const ReferenceScope reference;
  primitives::upsample_nearest_grad(dy.to(k.compute()), expected);
  return different_numbers(c.download(dx, k.in, k.dtype, k.layout), expected.to(k.dtype));
}

char* scratch_for(CaseContext& c, const Problem& k) {
  return c.fresh<char>(resize_bilinear_scratch(number_for(k.dtype), dims(k.in), dims(k.out)));
}

double run_bilinear(CaseContext& c, const Problem& k) {
  const Tensor x = random_tensor(k.in, "resized", k.dtype, k.layout);
  const void* const in = c.upload(x);
  void* const y = c.fresh<char>(k.bytes(k.out));
  void* const scratch = scratch_for(c, k);
  c.measure([&] {
    resize_bilinear(number_for(k.dtype), in, y, scratch, dims(k.in), dims(k.out), k.last(), c.stream());
  });
  Tensor expected = Tensor::empty(k.out, k.compute());
  const ReferenceScope reference;
  primitives::resize_bilinear(x.to(k.compute()), expected);
  return different_numbers(c.download(y, k.out, k.dtype, k.layout), expected.to(k.dtype));
}

double run_bilinear_gradient(CaseContext& c, const Problem& k) {
  const Tensor dy = random_tensor(k.out, "resize gradient", k.dtype, k.layout);
  const void* const g = c.upload(dy);
  void* const dx = c.fresh<char>(k.bytes(k.in));
  void* const scratch = scratch_for(c, k);
  c.measure([&] {
    resize_bilinear_grad(number_for(k.dtype), g, dx, scratch, dims(k.out), dims(k.in), k.last(), c.stream());
  });
  Tensor expected = Tensor::empty(k.in, DType::f64);
  const ReferenceScope reference;
  primitives::resize_bilinear_grad(dy.to(DType::f64), expected);
  return relative_error(c.download(dx, k.in, k.dtype, k.layout), expected);
}

double gradient_tolerance(DType dtype) {
  return dtype == DType::f32 ? 1e-6 : dtype == DType::f64 ? 1e-14 : dtype == DType::f16 ? 6e-4 : 5e-3;
}

std::string text_of(const Problem& k) {
  const auto size = [](int64_t n) { return std::to_string(n); };
  return std::string(name(k.dtype)) + (k.last() ? " channels-last " : " ") + size(k.in[0]) + "x" +
         size(k.in[1]) + "x" + size(k.in[2]) + "x" + size(k.in[3]) + " to " + size(k.out[2]) + "x" +
         size(k.out[3]);
}

Case make_case(const std::string& name, const std::string& text, const std::string& file,
               std::function<double(CaseContext&)> run, double tolerance = 0) {
  Case r;
  r.name = name;
  r.shape = text;
  r.file = "cuda/kernels/" + file;
  r.run = std::move(run);
  r.tolerance = tolerance;
  return r;
}

/// The five cases of one problem, in this order.
struct Five {
  Case &nearest, &nearest_add, &nearest_grad, &bilinear, &bilinear_grad;
};
Five add_five(std::vector<Case>& cases, const Problem& k) {
  const std::string text = text_of(k);
  const double outputs = double(k.out.numel());
  cases.push_back(make_case("upsample_nearest", text, "resize_nearest.cu",
                            [=](CaseContext& c) { return run_nearest(c, k, false); }));
  cases.push_back(make_case("upsample_nearest", text + " add", "resize_nearest.cu",
                            [=](CaseContext& c) { return run_nearest(c, k, true); }));
  cases.back().flops = outputs;
  cases.push_back(make_case("upsample_nearest_grad", text, "resize_nearest.cu",
                            [=](CaseContext& c) { return run_nearest_gradient(c, k); }));
  cases.back().flops = outputs;
  cases.push_back(make_case("resize_bilinear", text, "resize_bilinear.cu",
                            [=](CaseContext& c) { return run_bilinear(c, k); }));
  cases.back().flops = 9 * outputs;
  cases.push_back(make_case(
      "resize_bilinear_grad", text, "resize_bilinear.cu",
      [=](CaseContext& c) { return run_bilinear_gradient(c, k); }, gradient_tolerance(k.dtype)));
  cases.back().flops = 8 * outputs;
  const size_t n = cases.size();
  return {cases[n - 5], cases[n - 4], cases[n - 3], cases[n - 2], cases[n - 1]};
}

/// 8 x 8 to 16 x 16 of 16 channels: a cell is `cell` sectors, and a warp holds 8 neighbouring ones of a row
/// (f64: 4; nearest in 16 bits: 16, a whole row).
void add_counted(std::vector<Case>& cases, DType dtype) {
  const double e = double(size_of(dtype)), cell = 16 * e / 32;
  const bool wide = dtype == DType::f64;
  const double x = 64 * 16 * e, y = 256 * 16 * e, tables = 32 * (wide ? 24 : 16), users = 16 * 8;
  const Five five = add_five(cases, {{1, 16, 8, 8}, {1, 16, 16, 16}, dtype, Layout::channels_last});
  // Two columns share a cell of x.
  five.nearest.sectors = uint64_t((128 + 256) * cell);
  five.nearest.floor_read = x;
  five.nearest.floor_written = y;
  five.nearest_add.sectors = uint64_t((128 + 2 * 256) * cell);
  five.nearest_add.floor_read = x + y;
  five.nearest_add.floor_written = y;
  five.nearest_grad.sectors = uint64_t((256 + 64) * cell);
  five.nearest_grad.floor_read = y;
  five.nearest_grad.floor_written = x;
  five.bilinear.floor_read = x + tables;
  five.bilinear.floor_written = y + tables;
  five.bilinear_grad.floor_read = y + tables + users;
  five.bilinear_grad.floor_written = x + tables + users;
  if (wide) return;  // entries of 24 bytes are two or three requests
  // First taps of columns 0 to 15: 0 0 0 1 1 2 2 3 | 3 4 4 5 5 6 6 7, second ones: 1 1 1 2 2 3 3 4 | 4 5 5 6
  // 6 7 7 7. The warps of a row see 4 + 4 and 5 + 4 cells, in two rows of x. The table is written once; 8
  // columns of it are read for 4 rows at a time, a row once a warp.
  five.bilinear.sectors = uint64_t(16 + 4 * 16 / 2 + 16 * 2 + 16 * 2 * 17 * cell + 256 * cell);
  // Columns that use inputs 0 to 7: 3 5 4 4 4 4 4 3, 31 in all, and as many rows. The first two inputs begin
  // at the same column and share three requests, so 31 x 28 cells of dy, and entries of the table, in a
  // sector each; for each of the 31 rows one entry for all. A warp reads the users of a row and of 8 columns.
  five.bilinear_grad.sectors = uint64_t(16 + 4 + 8 * (1 + 2) + 31 * 28 * cell + 31 * 28 + 31 + 64 * cell);
}

}  // namespace

void add_resize_cases(std::vector<Case>& cases) {
  for (const DType dtype : kFloating) {
    add_counted(cases, dtype);
    for (const Layout layout : {Layout::contiguous, Layout::channels_last}) {
      add_five(cases, {{2, 3, 5, 7}, {2, 3, 11, 13}, dtype, layout});
      add_five(cases, {{1, 4, 9, 12}, {1, 4, 4, 5}, dtype, layout});
    }
  }
  for (const Layout layout : {Layout::contiguous, Layout::channels_last}) {
    add_five(cases, {{2, 4, 1, 1}, {2, 4, 3, 4}, DType::f32, layout});
    add_five(cases, {{2, 4, 6, 5}, {2, 4, 6, 5}, DType::f32, layout});
    add_five(cases, {{1, 2, 7, 7}, {1, 2, 40, 33}, DType::f32, layout});
  }
}

}  // namespace CAWE_DEVICE
