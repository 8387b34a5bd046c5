// SPDX-License-Identifier: Apache-2.0
// Cases of optimizer steps and of what is done with gradients before. References in f64, tensor by tensor.
#include "cuda/kernels/optimizers.h"

#include <algorithm>

#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/elementwise.h"
#include "tensor/primitives/optimizers.h"

namespace CAWE_DEVICE {
namespace {

using Sizes = std::vector<int64_t>;

/// One tensor for each size; `shift` elements before each, so that nothing is aligned to 16 bytes.
struct TensorList {
  TensorList(const Sizes& sizes, const std::string& purpose, DType type, int64_t shift_by)
      : dtype(type), shift(shift_by) {
    for (size_t i = 0; i < sizes.size(); ++i)
      values.push_back(random_tensor({sizes[i]}, purpose + std::to_string(i), dtype));
  }
  void upload(CaseContext& c) {
    for (const Tensor& x : values) {
      Tensor shifted = Tensor::zeros({shift + x.numel()}, x.dtype());
      shifted.slice(0, shift, shifted.numel()).copy_from(x);
      memory.push_back(c.upload(shifted));
    }
  }
  /// Memory that was never written, in place of the values.
  void leave_fresh(CaseContext& c) {
    for (const Tensor& x : values)
      memory.push_back(c.fresh<char>((shift + x.numel()) * int64_t(size_of(dtype))));
  }
  void* at(size_t i) const {
    return static_cast<char*>(memory[i]) + size_t(shift) * size_of(values[i].dtype());
  }
  Tensor download(CaseContext& c, size_t i) const { return c.download(at(i), values[i].shape(), dtype); }

  DType dtype;
  int64_t shift;
  std::vector<Tensor> values;
  std::vector<void*> memory;
};

struct StepCase {
  std::string text;
  Sizes sizes;
  DType dtype = DType::f32;
  double factor = 1;  ///< other than 1: a number on the device; NaN: nothing is changed
  int64_t shift = 0;
  DType g_type = DType::f32;  ///< 16 bits where dtype is f32
};

/// The type of gradient i: every third stays f32.
DType type_of_gradient(const StepCase& s, size_t i) {
  return s.dtype == DType::f64 ? DType::f64 : i % 3 == 2 ? DType::f32 : s.g_type;
}
/// A list whose gradients have different types.
TensorList gradients_of(const StepCase& s) {
  TensorList g(s.sizes, "step g", s.dtype, s.shift);
  for (size_t i = 0; i < s.sizes.size(); ++i) g.values[i] = g.values[i].to(type_of_gradient(s, i));
  return g;
}

Tensor f64(const Tensor& x) { return x.to(DType::f64); }
/// The gradient as the rule sees it.
Tensor scaled(const Tensor& g, double factor) {
  Tensor y = f64(g.clone());
  primitives::unary(UnaryOp::affine, factor, 0, f64(g), y);
  return y;
}

double run_sgd(CaseContext& c, const StepCase& s, const SgdParams& params) {
  TensorList p(s.sizes, "step p", s.dtype, s.shift), g = gradients_of(s),
                                                     v(s.sizes, "step v", s.dtype, s.shift);
  p.upload(c);
  g.upload(c);
  params.first ? v.leave_fresh(c) : v.upload(c);
  const double* factor = s.factor == 1 ? nullptr : c.upload(std::vector<double>{s.factor});
  std::vector<SgdTensor> list;
  for (size_t i = 0; i < s.sizes.size(); ++i)
    list.push_back({p.at(i), g.at(i), v.at(i), s.sizes[i], number_for(g.values[i].dtype())});
  const SgdRule rule{params.lr, params.momentum, params.weight_decay, params.first};
  c.measure(
      [&] { sgd_steps(number_for(s.dtype), list.data(), int64_t(list.size()), rule, factor, c.stream()); });
  double error = 0;
  const ReferenceScope reference;
  for (size_t i = 0; i < s.sizes.size(); ++i) {
    Tensor w = f64(p.values[i]), velocity = f64(v.values[i]);
    if (!std::isnan(s.factor)) primitives::sgd_step(w, scaled(g.values[i], s.factor), velocity, params);
    const Tensor stepped = p.download(c, i);
    const std::string of = " of tensor " + std::to_string(i);
    error = std::max({error, relative_error(stepped, w, "p" + of),
                      relative_error(v.download(c, i), velocity, "velocity" + of)});
  }
  return error;
}

double run_adam(CaseContext& c, const StepCase& s, const AdamParams& params) {
  TensorList p(s.sizes, "step p", s.dtype, s.shift),
      g = gradients_of(s), m(s.sizes, "step m", s.dtype, s.shift), v(s.sizes, "step v", s.dtype, s.shift);
  for (Tensor& x : v.values) primitives::unary(UnaryOp::square, 0, 0, x.clone(), x);
  p.upload(c);
  g.upload(c);
  m.upload(c);
  v.upload(c);
  const double* factor = s.factor == 1 ? nullptr : c.upload(std::vector<double>{s.factor});
  std::vector<AdamTensor> list;
  for (size_t i = 0; i < s.sizes.size(); ++i)
    list.push_back({p.at(i), g.at(i), m.at(i), v.at(i), s.sizes[i], number_for(g.values[i].dtype())});
  const AdamRule rule{params.lr,           params.beta1,     params.beta2, params.eps,
                      params.weight_decay, params.decoupled, params.step};
  c.measure(
      [&] { adam_steps(number_for(s.dtype), list.data(), int64_t(list.size()), rule, factor, c.stream()); });
  double error = 0;
  const ReferenceScope reference;
  for (size_t i = 0; i < s.sizes.size(); ++i) {
    Tensor w = f64(p.values[i]), m1 = f64(m.values[i]), v1 = f64(v.values[i]);
    if (!std::isnan(s.factor)) primitives::adam_step(w, scaled(g.values[i], s.factor), m1, v1, params);
    const Tensor stepped = p.download(c, i);
    const std::string of = " of tensor " + std::to_string(i);
    error =
        std::max({error, relative_error(stepped, w, "p" + of), relative_error(m.download(c, i), m1, "m" + of),
                  relative_error(v.download(c, i), v1, "v" + of)});
  }
  return error;
}

std::vector<GradientTensor> entries(const TensorList& g) {
  std::vector<GradientTensor> list;
  for (size_t i = 0; i < g.values.size(); ++i)
    list.push_back({g.at(i), g.values[i].numel(), number_for(g.values[i].dtype())});
  return list;
}

/// Norm and factor for gradients of a loss times 8, clipped to 1/`reduction` of their norm (0: not at all).
double run_norm(CaseContext& c, const Sizes& sizes, DType dtype, double reduction) {
  TensorList g(sizes, "step g", dtype, 0);
  g.upload(c);
  const std::vector<GradientTensor> list = entries(g);
  double squares = 0;
  for (const Tensor& x : g.values)
    for (const double v : f64(x).to_vector<double>()) squares += v * v;
  const double norm = std::sqrt(squares) / 8, largest = reduction == 0 ? 0 : norm / reduction;
  auto* scratch = c.fresh<double>(gradient_norm_scratch(list.data(), int64_t(list.size())));
  auto* result = c.fresh<double>(3);
  c.measure([&] {
    gradient_norm(number_for(dtype), list.data(), int64_t(list.size()), largest, 8, 0, scratch, result,
                  c.stream());
  });
  const std::vector<double> got = c.download(result, 3);
  const double factor = (reduction > 1 ? 1 / reduction : 1) / 8;
  return std::max({noted(std::fabs(got[0] / squares - 1), 0, got[0], squares, "squares"),
                   noted(std::fabs(got[1] / norm - 1), 1, got[1], norm, "norm"),
                   noted(std::fabs(got[2] / factor - 1), 2, got[2], factor, "factor")});
}

/// Of gradients in three types: to the bit what their f32 copies have.
double run_norm_of_types(CaseContext& c, const Sizes& sizes, DType type) {
  StepCase s{"", sizes};
  s.g_type = type;
  TensorList g = gradients_of(s), copies = g;
  for (Tensor& x : copies.values) x = x.to(DType::f32);
  g.upload(c);
  copies.upload(c);
  auto* result = c.fresh<double>(3);
  auto* of_copies = c.fresh<double>(3);
  const auto norm = [&](const std::vector<GradientTensor>& list, double* to) {
    auto* scratch = c.fresh<double>(gradient_norm_scratch(list.data(), int64_t(list.size())));
    return [=, &c, &list] {
      gradient_norm(Number::f32, list.data(), int64_t(list.size()), 1, 8, 0, scratch, to, c.stream());
    };
  };
  const std::vector<GradientTensor> list = entries(g), list_of_copies = entries(copies);
  c.measure(norm(list, result));
  c.compare(norm(list_of_copies, of_copies));
  return different(c.download(result, 3), c.download(of_copies, 3));
}

/// One gradient, 3 or what is given, of a loss times 8, and losses: what is not finite makes the factor NaN.
double run_norm_with_losses(CaseContext& c, float gradient, const std::vector<double>& losses) {
  TensorList g({100}, "step g", DType::f32, 0);
  g.values[0].fill(0);
  g.values[0].data<float>()[70] = gradient;
  g.upload(c);
  const std::vector<GradientTensor> list = entries(g);
  auto* scratch = c.fresh<double>(1);
  std::vector<double> expected{NAN, NAN, NAN};
  expected.insert(expected.end(), losses.begin(), losses.end());
  double* result = c.upload(expected);
  c.measure([&] {
    gradient_norm(Number::f32, list.data(), 1, 0, 8, int64_t(losses.size()), scratch, result, c.stream());
  });
  expected[0] = double(gradient) * double(gradient);
  expected[1] = std::fabs(double(gradient)) / 8;
  if (std::isfinite(gradient) &&
      std::all_of(losses.begin(), losses.end(), [](double x) { return std::isfinite(x); }))
    expected[2] = 0.125;
  return different_or_nan(c.download(result, int64_t(expected.size())), expected);
}

double run_scale(CaseContext& c, const Sizes& sizes, DType dtype) {
  const double by = 0.375;
  TensorList g(sizes, "step g", dtype, 0);
  g.upload(c);
  const std::vector<GradientTensor> list = entries(g);
  const double* factor = c.upload(std::vector<double>{by});
  c.measure(
      [&] { scale_gradients(number_for(dtype), list.data(), int64_t(list.size()), factor, c.stream()); });
  double error = 0;
  for (size_t i = 0; i < sizes.size(); ++i)
    error = std::max(error, relative_error(g.download(c, i), scaled(g.values[i], by), std::to_string(i)));
  return error;
}

double total(const Sizes& sizes) {
  double sum = 0;
  for (const int64_t n : sizes) sum += double(n);
  return sum;
}

/// Bytes read and written and FLOPs of each of the list's numbers.
Case make_case(const std::string& name, const std::string& text, const Sizes& sizes, double read,
               double written, double flops, double tolerance) {
  Case r;
  r.name = name;
  r.shape = text;
  r.file = "cuda/kernels/optimizers.cu";
  r.tolerance = tolerance;
  r.floor_read = read * total(sizes);
  r.floor_written = written * total(sizes);
  r.flops = flops * total(sizes);
  // Up to seven tensors of each size, which need not end with a sector.
  r.unique_allowance =
      1.05 + 32 * 7 * double(sizes.size()) / std::max(1.0, std::min(r.floor_read, r.floor_written));
  r.reason = "tensors end within a sector; small ones are little more than that";
  return r;
}

// Three whole blocks, a part of one in whole packs, a pack and one number more, nothing.
const Sizes kMain{12288, 1000, 5, 0};
// 12,288 and 1000 f32 numbers are 1536 and 125 sectors; the pack and the fifth number are two requests.
constexpr uint64_t kMainSectors = 1536 + 125 + 2;

Sizes many() {  // two launches, and blocks of all fillings
  Sizes sizes;
  for (int64_t i = 0; i < 70; ++i) sizes.push_back(1 + i * 37 % 101 + (i % 16 == 3 ? 4096 : 0));
  return sizes;
}

/// Bytes by which gradients are fewer than in the type of the parameters.
double saved_by_gradients(const StepCase& s) {
  double saved = 0;
  for (size_t i = 0; i < s.sizes.size(); ++i)
    saved += double(s.sizes[i]) * (double(size_of(s.dtype)) - double(size_of(type_of_gradient(s, i))));
  return saved;
}
// kMain's first two gradients in 16 bits are 768 and 63 sectors, the third stays.
constexpr uint64_t kMainNarrow = 768 + 63 + 2;

void add_steps(std::vector<Case>& cases) {
  const auto sgd = [&](const StepCase& s, const SgdParams& p) {
    const double e = double(size_of(s.dtype));
    cases.push_back(make_case("sgd_step", std::string(cawe::name(s.dtype)) + " " + s.text, s.sizes,
                              (p.first ? 2 : 3) * e, 2 * e, 7, s.dtype == DType::f64 ? 1e-15 : 5e-7));
    cases.back().floor_read -= saved_by_gradients(s);
    cases.back().run = [=](CaseContext& c) { return run_sgd(c, s, p); };
  };
  const auto adam = [&](const StepCase& s, const AdamParams& p) {
    const double e = double(size_of(s.dtype));
    cases.push_back(make_case("adam_step", std::string(cawe::name(s.dtype)) + " " + s.text, s.sizes, 4 * e,
                              3 * e, 15, s.dtype == DType::f64 ? 1e-14 : 1e-6));
    cases.back().floor_read -= saved_by_gradients(s);
    cases.back().run = [=](CaseContext& c) { return run_adam(c, s, p); };
  };
  // A factor that is NaN: nothing but it is read, by each of 8 warps of 3 blocks, and nothing is written.
  const auto left_out = [&](const std::string& name,
                            std::function<double(CaseContext&, const StepCase&)> run) {
    for (const DType dtype : {DType::f32, DType::f64}) {
      const StepCase s{"", {5001, 77}, dtype, NAN};
      Case r = make_case(name, std::string(cawe::name(dtype)) + " 2 tensors, left out", s.sizes, 0, 0, 0, 0);
      r.sectors = 8 * 3;
      r.sector_allowance = 1;
      r.run = [=](CaseContext& c) { return run(c, s); };
      cases.push_back(r);
    }
  };
  SgdParams sp;
  sp.lr = 0.1;
  sp.weight_decay = 0.05;
  SgdParams first = sp;
  first.first = true;
  AdamParams ap;
  ap.lr = 0.1;
  ap.weight_decay = 0.05;
  ap.step = 3;
  AdamParams decoupled = ap;
  decoupled.decoupled = true;

  sgd({"13293 in 4", kMain}, sp);
  cases.back().sectors = 5 * kMainSectors;
  cases.back().min_simt = 0.9;
  sgd({"13293 in 4, first", kMain}, first);
  cases.back().sectors = 4 * kMainSectors;
  sgd({"70 tensors", many()}, sp);
  sgd({"70 tensors, unaligned", many(), DType::f32, 1, 1}, sp);
  sgd({"2 tensors, scaled", {5000, 77}, DType::f32, 0.25}, sp);
  sgd({"2 tensors", {5001, 77}, DType::f64}, sp);
  left_out("sgd_step", [=](CaseContext& c, const StepCase& s) { return run_sgd(c, s, sp); });
  sgd({"13293 in 4, bf16 gradients", kMain, DType::f32, 1, 0, DType::bf16}, sp);
  cases.back().sectors = 4 * kMainSectors + kMainNarrow;
  sgd({"70 tensors, f16 gradients, unaligned", many(), DType::f32, 0.5, 1, DType::f16}, sp);

  adam({"13293 in 4", kMain}, ap);
  cases.back().sectors = 7 * kMainSectors;
  cases.back().min_simt = 0.9;
  adam({"13293 in 4, decoupled", kMain}, decoupled);
  cases.back().sectors = 7 * kMainSectors;
  adam({"70 tensors", many()}, decoupled);
  adam({"70 tensors, unaligned", many(), DType::f32, 1, 1}, ap);
  adam({"2 tensors, scaled", {5000, 77}, DType::f32, 0.25}, decoupled);
  adam({"2 tensors", {5001, 77}, DType::f64}, ap);
  left_out("adam_step", [=](CaseContext& c, const StepCase& s) { return run_adam(c, s, ap); });
  adam({"13293 in 4, f16 gradients", kMain, DType::f32, 1, 0, DType::f16}, ap);
  cases.back().sectors = 6 * kMainSectors + kMainNarrow;
  adam({"70 tensors, bf16 gradients, unaligned", many(), DType::f32, 0.5, 1, DType::bf16}, decoupled);
}

void add_gradients(std::vector<Case>& cases) {
  // The reference adds one number after another: its own error is about sqrt(13293) 2^-53, 1.3e-14.
  const auto norm = [&](const std::string& text, const Sizes& sizes, DType dtype, double reduction,
                        int64_t blocks) {
    cases.push_back(make_case("gradient_norm", text, sizes, double(size_of(dtype)), 0, 2, 1e-13));
    cases.back().floor_read += 8.0 * double(blocks);
    cases.back().floor_written = 8.0 * double(blocks) + 24;
    cases.back().unique_allowance = 1.05 + 32 * double(sizes.size() + 7) / cases.back().floor_written;
    cases.back().run = [=](CaseContext& c) { return run_norm(c, sizes, dtype, reduction); };
  };
  // Five blocks store a sum each, 40 B that are read as two sectors; three results by one thread.
  norm("f32 13293 in 4", kMain, DType::f32, 3, 5);
  cases.back().sectors = kMainSectors + 5 + 2 + 3;
  cases.back().wavefronts = 6 * (8 + 1);  // eight warps store, one reads, in the six blocks of two launches
  norm("f32 13293 in 4, no limit", kMain, DType::f32, 0, 5);
  norm("f32 70 tensors, below the limit", many(), DType::f32, 0.5, 70 + 5);
  norm("f16 300 tensors", Sizes(300, 9), DType::f16, 2, 300);  // more blocks than the last one has threads
  norm("f64 2 tensors", {5001, 77}, DType::f64, 2, 3);
  for (const DType type : {DType::f16, DType::bf16}) {
    cases.push_back(
        make_case("gradient_norm", std::string("f32 and ") + cawe::name(type), kMain, 2, 0, 2, 0));
    cases.back().floor_read += 8 * 5 + 5 * 2;
    cases.back().floor_written = 8 * 5 + 24;
    cases.back().unique_allowance = 1.05 + 32 * double(kMain.size() + 7) / cases.back().floor_written;
    cases.back().sectors = kMainNarrow + 5 + 2 + 3;
    cases.back().run = [=](CaseContext& c) { return run_norm_of_types(c, kMain, type); };
  }
  const auto of_losses = [&](const std::string& text, float gradient, const std::vector<double>& losses) {
    cases.push_back(make_case("gradient_norm", "f32 " + text, {100}, 4.08, 0.32, 2, 0));
    cases.back().floor_read += 8 * double(losses.size());
    cases.back().run = [=](CaseContext& c) { return run_norm_with_losses(c, gradient, losses); };
  };
  of_losses("nan", NAN, {});
  of_losses("nan, a loss", NAN, {1});
  of_losses("infinity", INFINITY, {});
  of_losses("two losses", 3, {0.5, -2});
  of_losses("two losses, one nan", 3, {NAN, 2});
  of_losses("two losses, one infinite", 3, {2, INFINITY});

  const auto scale = [&](const std::string& text, const Sizes& sizes, DType dtype, double tolerance) {
    cases.push_back(make_case("scale_gradients", text, sizes, double(size_of(dtype)), double(size_of(dtype)),
                              1, tolerance));
    cases.back().run = [=](CaseContext& c) { return run_scale(c, sizes, dtype); };
  };
  // And the factor, a sector for each of the 8 warps of 5 blocks.
  scale("f32 13293 in 4", kMain, DType::f32, 1e-7);
  cases.back().sectors = 2 * kMainSectors + 8 * 5;
  scale("bf16 70 tensors", many(), DType::bf16, 4e-3);
}

}  // namespace

void add_optimizers_cases(std::vector<Case>& cases) {
  add_steps(cases);
  add_gradients(cases);
}

}  // namespace CAWE_DEVICE
