// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/pooling.h"

#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/pooling.h"

namespace CAWE_DEVICE {
namespace {

constexpr DType kFloating[] = {DType::f32, DType::f64, DType::f16, DType::bf16};

struct Problem {
  Shape in, out;
  DType dtype;
  Layout layout;
  Pool2dParams p;
  double nans = 0;  ///< how many of x's numbers are none

  bool last() const { return layout == Layout::channels_last; }
  DType compute() const { return dtype == DType::f64 ? DType::f64 : DType::f32; }
};

Dims4 dims(const Shape& s) { return {s[0], s[1], s[2], s[3]}; }

/// Small whole numbers, so that many are equal.
Tensor coarse(const Problem& k) {
  Tensor x = random_tensor(k.in, "pooled", DType::f64);
  const Random random(23, "pooled NaNs");
  for (int64_t i = 0; i < x.numel(); ++i) {
    double& v = x.data<double>()[i];
    v = random.uniform_double(uint64_t(i)) < k.nans ? NAN : std::round(2 * v);
  }
  Tensor out = Tensor::empty(k.in, k.dtype, k.layout);
  out.copy_from(x);
  return out;
}

/// How many numbers differ, a NaN being like any other.
double different_numbers(const Tensor& a, const Tensor& b) {
  const auto x = a.to(DType::f64).to_vector<double>(), y = b.to(DType::f64).to_vector<double>();
  double count = 0;
  for (size_t i = 0; i < x.size(); ++i) count += !(x[i] == y[i] || (x[i] != x[i] && y[i] != y[i]));
  return count;
}

double run_pool(CaseContext& c, const Problem& k) {
  const Tensor x = coarse(k);
  const void* const in = c.upload(x);
  void* const y = c.fresh<char>(k.out.numel() * int64_t(size_of(k.dtype)));
  int32_t* const index = c.fresh<int32_t>(k.out.numel());
  const PoolWindow window{int(k.p.kernel), int(k.p.stride), int(k.p.padding)};
  c.measure([&] {
    max_pool2d(number_for(k.dtype), in, y, index, dims(k.in), dims(k.out), k.last(), window, c.stream());
  });
  Tensor expected = Tensor::empty(k.out, k.compute()), chosen = Tensor::empty(k.out, DType::i32);
  const ReferenceScope reference;
  primitives::max_pool2d(x.to(k.compute()), k.p, expected, chosen);
  return different_numbers(c.download(y, k.out, k.dtype, k.layout), expected) +
         different_numbers(c.download(index, k.out, DType::i32, k.layout), chosen);
}

double run_pool_gradient(CaseContext& c, const Problem& k) {
  const Tensor x = coarse(k).to(k.compute());
  Tensor y = Tensor::empty(k.out, k.compute()), index = Tensor::empty(k.out, DType::i32);
  {
    const ReferenceScope reference;
    primitives::max_pool2d(x, k.p, y, index);
  }
  const Tensor dy = random_tensor(k.out, "pool gradient", k.dtype, k.layout);
  Tensor chosen = Tensor::empty(k.out, DType::i32, k.layout);
  chosen.copy_from(index);
  const void* const g = c.upload(dy);
  const auto* const where = static_cast<const int32_t*>(c.upload(chosen));
  void* const dx = c.fresh<char>(k.in.numel() * int64_t(size_of(k.dtype)));
  const PoolWindow window{int(k.p.kernel), int(k.p.stride), int(k.p.padding)};
  c.measure([&] {
    max_pool2d_grad(number_for(k.dtype), g, where, dx, dims(k.out), dims(k.in), k.last(), window, c.stream());
  });
  Tensor expected = Tensor::empty(k.in, k.compute());
  const ReferenceScope reference;
  primitives::max_pool2d_grad(dy.to(k.compute()), chosen, k.p, expected);
  return different_numbers(c.download(dx, k.in, k.dtype, k.layout), expected.to(k.dtype));
}

std::string text_of(const Problem& k) {
  const auto size = [](int64_t n) { return std::to_string(n); };
  return std::string(name(k.dtype)) + (k.last() ? " channels-last " : " ") + size(k.in[0]) + "x" +
         size(k.in[1]) + "x" + size(k.in[2]) + "x" + size(k.in[3]) + " kernel " + size(k.p.kernel) +
         " stride " + size(k.p.stride) + " padding " + size(k.p.padding);
}

Case make_case(const std::string& name, const std::string& text, std::function<double(CaseContext&)> run) {
  Case r;
  r.name = name;
  r.shape = text;
  r.file = "cuda/kernels/pooling.cu";
  r.run = std::move(run);
  return r;
}

Problem make_problem(const Shape& in, const Pool2dParams& p, DType dtype, Layout layout, double nans = 0) {
  const auto windows = [&](int64_t size) { return (size + 2 * p.padding - p.kernel) / p.stride + 1; };
  return {in, {in[0], in[1], windows(in[2]), windows(in[3])}, dtype, layout, p, nans};
}

/// Forward and gradient of one problem; the cases are the last two.
void add_both(std::vector<Case>& cases, const Problem& k) {
  cases.push_back(make_case("max_pool2d", text_of(k), [=](CaseContext& c) { return run_pool(c, k); }));
  cases.back().flops = double(k.out.numel() * k.p.kernel * k.p.kernel);
  cases.push_back(
      make_case("max_pool2d_grad", text_of(k), [=](CaseContext& c) { return run_pool_gradient(c, k); }));
  cases.back().flops = double(k.out.numel() * k.p.kernel * k.p.kernel);
}

/// 16 channels are whole sectors in every type. Windows of 3 at stride 2 see 3 rows, the first one 2: 17 in
/// all, and so 17 x 17 cells. In a row of 12 cells the even ones may be chosen by one window, the odd ones
/// (but the last) by it and the next: 17 pairs again, but neighbours look at the first window together, in
/// one request: 11 of them.
void add_counted_channels_last(std::vector<Case>& cases, DType dtype) {
  const double e = double(size_of(dtype)), cell = 16 * e / 32, index = 16 * 4 / 32;  // sectors
  add_both(cases, make_problem({2, 16, 12, 12}, {3, 2, 1}, dtype, Layout::channels_last));
  Case& forward = cases[cases.size() - 2];
  // Eight 16-bit channels are 16 bytes, their indices two loads or stores of 16 bytes that lie 32 apart: each touches all
  // their sectors.
  const double accesses = e == 2 ? 2 : 1;
  forward.sectors = uint64_t(2 * (289 * cell + 36 * (cell + accesses * index)));
  forward.floor_read = 2 * 144 * 16 * e;
  forward.floor_written = 2 * 36 * 16 * (e + 4);
  Case& gradient = cases.back();
  gradient.sectors = uint64_t(2 * (17 * 11 * (cell + accesses * index) + 144 * cell));
  gradient.floor_read = 2 * 36 * 16 * (4 + e);
  gradient.floor_written = 2 * 144 * 16 * e;
}

}  // namespace

void add_pooling_cases(std::vector<Case>& cases) {
  for (const DType dtype : kFloating) {
    add_counted_channels_last(cases, dtype);
    for (const Layout layout : {Layout::contiguous, Layout::channels_last}) {
      add_both(cases, make_problem({2, 5, 11, 13}, {3, 2, 1}, dtype, layout, 0.05));
      add_both(cases, make_problem({1, 4, 8, 9}, {2, 2, 0}, dtype, layout));
    }
  }
  // A warp is a row of 32 windows, two cells each way: its four loads are 256 B apart from end to end, 8
  // sectors; each is touched again by the neighbouring column.
  add_both(cases, make_problem({1, 4, 16, 64}, {2, 2, 0}, DType::f32, Layout::contiguous));
  Case& nchw = cases[cases.size() - 2];
  nchw.sectors = 4 * 8 * 4 * 8 + 2 * 1024 * 4 / 32;
  nchw.floor_read = 4096 * 4;
  nchw.floor_written = 2 * 1024 * 4;
  nchw.min_simt = 0.9;
  for (const Pool2dParams& p :
       {Pool2dParams{3, 1, 1}, Pool2dParams{2, 1, 0}, Pool2dParams{3, 2, 0}, Pool2dParams{5, 3, 2},
        Pool2dParams{2, 3, 0}, Pool2dParams{7, 7, 0}, Pool2dParams{1, 1, 0}})
    for (const Layout layout : {Layout::contiguous, Layout::channels_last})
      add_both(cases, make_problem({2, 4, 7, 10}, p, DType::f32, layout));
}

}  // namespace CAWE_DEVICE
