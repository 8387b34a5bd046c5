// SPDX-License-Identifier: Apache-2.0
// Cases of the per-item losses. References in f64 from what the inputs hold after rounding.
#include "cuda/kernels/losses.h"
#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/losses.h"

namespace CAWE_DEVICE {
namespace {

/// [items, size] or, for smooth L1, [items, anchors, k].
struct Problem {
  std::string text;
  Shape shape;
  DType dtype;
  double spread = 2;  ///< standard deviation of the logits

  Number number() const {
    return dtype == DType::f64    ? Number::f64
           : dtype == DType::f16  ? Number::f16
           : dtype == DType::bf16 ? Number::bf16
                                  : Number::f32;
  }
  DType sums() const { return dtype == DType::f64 ? DType::f64 : DType::f32; }
  int64_t items() const { return shape[0]; }
  int64_t size() const { return shape.numel() / shape[0]; }
  double bytes() const { return double(shape.numel()) * double(size_of(dtype)); }
};

/// Standard normal numbers put through `f`.
template <class F>
Tensor made(const Shape& shape, const std::string& purpose, DType dtype, F f) {
  std::vector<double> values = random_tensor(shape, purpose).to(DType::f64).to_vector<double>();
  for (double& v : values) v = f(v);
  return Tensor::from(values, shape).to(dtype);
}

Tensor f64(const Tensor& x) { return x.defined() ? x.to(DType::f64) : x; }
const void* upload(CaseContext& c, const Tensor& x) { return x.defined() ? c.upload(x) : nullptr; }
Tensor logits(const Problem& s) {
  return made(s.shape, "loss x", s.dtype, [&](double v) { return s.spread * v; });
}
Tensor scales(const Problem& s) { return random_tensor({s.items()}, "loss scale", s.sums()); }

/// Runs `launch(scratch, y)` and compares with what `reference(expected)` writes.
template <class Launch, class Reference>
double run_sums(CaseContext& c, const Problem& s, Launch launch, Reference reference) {
  const int64_t cells = item_sums_scratch(s.number(), s.items(), s.size());
  auto* scratch = c.fresh<double>(cells > 0 ? cells : 1);
  void* y = c.fresh<char>(s.items() * int64_t(size_of(s.sums())));
  c.measure([&] { launch(scratch, y); });
  Tensor expected = Tensor::empty({s.items()}, DType::f64);
  const ReferenceScope scope;
  reference(expected);
  return relative_error(c.download(y, {s.items()}, s.sums()), expected);
}

template <class Launch, class Reference>
double run_gradient(CaseContext& c, const Problem& s, Launch launch, Reference reference) {
  void* dx = c.fresh<char>(int64_t(s.bytes()));
  c.measure([&] { launch(dx); });
  Tensor expected = Tensor::empty(s.shape, DType::f64);
  const ReferenceScope scope;
  reference(expected);
  return relative_error(c.download(dx, s.shape, s.dtype), expected);
}

double run_focal(CaseContext& c, const Problem& s, double alpha, double gamma, bool gradient) {
  const Tensor x = logits(s), t = made(s.shape, "loss t", s.dtype,
                                       [](double v) { return v > 1 ? 1.0 : (v > -1 ? 0.0 : -1.0); });
  const Tensor scale = scales(s);
  const void *in = c.upload(x), *target = c.upload(t), *factor = c.upload(scale);
  const Number n = s.number();
  if (gradient)
    return run_gradient(
        c, s,
        [&](void* dx) {
          sigmoid_focal_loss_grad(n, s.items(), s.size(), in, target, alpha, gamma, factor, dx, c.stream());
        },
        [&](Tensor& e) { primitives::sigmoid_focal_loss_grad(f64(x), f64(t), alpha, gamma, f64(scale), e); });
  return run_sums(
      c, s,
      [&](double* scratch, void* y) {
        sigmoid_focal_loss(n, s.items(), s.size(), in, target, alpha, gamma, scratch, y, c.stream());
      },
      [&](Tensor& e) { primitives::sigmoid_focal_loss(f64(x), f64(t), alpha, gamma, e); });
}

double run_bce(CaseContext& c, const Problem& s, bool masked, bool weighted, bool gradient) {
  const auto coin = [](double v) { return v > 0 ? 1.0 : 0.0; };
  const Tensor x = logits(s), t = made(s.shape, "loss t", s.dtype, coin), scale = scales(s);
  const Tensor mask = masked ? made(s.shape, "loss mask", s.dtype, coin) : Tensor();
  const Tensor weight = weighted ? random_tensor({s.size()}, "loss weight", s.dtype) : Tensor();
  const void *in = c.upload(x), *target = c.upload(t), *kept = upload(c, mask), *w = upload(c, weight),
             *factor = c.upload(scale);
  const Number n = s.number();
  if (gradient)
    return run_gradient(
        c, s,
        [&](void* dx) {
          bce_with_logits_grad(n, s.items(), s.size(), in, target, kept, w, factor, dx, c.stream());
        },
        [&](Tensor& e) {
          primitives::bce_with_logits_grad(f64(x), f64(t), f64(mask), f64(weight), f64(scale), e);
        });
  return run_sums(
      c, s,
      [&](double* scratch, void* y) {
        bce_with_logits(n, s.items(), s.size(), in, target, kept, w, scratch, y, c.stream());
      },
      [&](Tensor& e) { primitives::bce_with_logits(f64(x), f64(t), f64(mask), f64(weight), e); });
}

double run_smooth_l1(CaseContext& c, const Problem& s, double beta, bool gradient) {
  const Tensor x = logits(s), t = random_tensor(s.shape, "loss t", s.dtype), scale = scales(s);
  const Tensor mask = made({s.shape[0], s.shape[1]}, "loss mask", s.dtype,
                           [](double v) { return v > 1 ? 0.5 : (v > 0 ? 1.0 : 0.0); });
  const void *in = c.upload(x), *target = c.upload(t), *kept = c.upload(mask), *factor = c.upload(scale);
  const Number n = s.number();
  const int64_t items = s.shape[0], anchors = s.shape[1], k = s.shape[2];
  if (gradient)
    return run_gradient(
        c, s,
        [&](void* dx) {
          smooth_l1_grad(n, items, anchors, k, in, target, kept, beta, factor, dx, c.stream());
        },
        [&](Tensor& e) { primitives::smooth_l1_grad(f64(x), f64(t), f64(mask), beta, f64(scale), e); });
  return run_sums(
      c, s,
      [&](double* scratch, void* y) {
        smooth_l1(n, items, anchors, k, in, target, kept, beta, scratch, y, c.stream());
      },
      [&](Tensor& e) { primitives::smooth_l1(f64(x), f64(t), f64(mask), beta, e); });
}

/// A case that reads `tensors` times the problem's bytes and `more` bytes; parts of an item by hand.
Case make_case(const std::string& name, const Problem& s, const std::string& variant, bool gradient,
               double tensors, double more, int64_t parts, double flops_each) {
  Case r;
  r.name = name + (gradient ? "_grad" : "");
  r.shape = std::string(cawe::name(s.dtype)) + " " + s.text + variant;
  r.file = "cuda/kernels/losses.cu";
  // f32 keeps about seven digits through exp and log1p; 16-bit gradients are rounded to 11 and 8 bits.
  r.tolerance = s.dtype == DType::f64 ? 1e-14 : 1e-6;
  if (gradient && s.dtype == DType::f16) r.tolerance = 5e-4;
  if (gradient && s.dtype == DType::bf16) r.tolerance = 4e-3;
  const double partial = parts > 1 ? 8.0 * double(s.items() * parts) : 0;
  const double vector = double(s.items()) * double(size_of(s.sums()));
  r.floor_read = tensors * s.bytes() + more + partial + (gradient ? vector : 0);
  r.floor_written = gradient ? s.bytes() : partial + vector;
  r.flops = flops_each * double(s.shape.numel());
  r.unique_allowance = 1.05 + 32.0 * 5 / std::min(r.floor_read, r.floor_written);
  r.reason = "one sum or scale an item fills a sector only in part, and so does the end of every tensor";
  return r;
}

void add_focal(std::vector<Case>& cases) {
  const auto add = [&](const Problem& s, double gamma, bool gradient, int64_t parts = 1) {
    cases.push_back(make_case("focal_loss", s, gamma == 2 ? "" : " gamma 1.5", gradient, 2, 0, parts,
                              gradient ? 20 : 17));
    cases.back().run = [=](CaseContext& c) { return run_focal(c, s, 0.25, gamma, gradient); };
  };
  // 4096 packs an item, 8 for each of 256 threads: 2 parts. Two tensors of 4096 sectors; four parts stored,
  // and read by one warp an item, and two sums: a sector each. A block's 8 warps store their sums, one reads
  // them.
  const Problem main{"2x16384", {2, 16384}, DType::f32};
  add(main, 2, false, 2);
  cases.back().sectors = 2 * 4096 + 4 + 2 + 2;
  cases.back().wavefronts = 4 * (8 + 1);
  cases.back().min_simt = 0.8;  // the emulator branches on targets and signs where a GPU selects
  // Three tensors of 4096 sectors; 4 blocks an item, each of whose 8 warps loads the item's scale.
  add(main, 2, true);
  cases.back().sectors = 3 * 4096 + 8 * 8;
  add({"1x270336", {1, 270336}, DType::f32}, 2, false, 33);  // more parts than a warp has lanes
  add({"3x1001", {3, 1001}, DType::f32}, 1.5, false);        // no packs
  add({"3x1001", {3, 1001}, DType::f32}, 1.5, true);
  add({"2x2048 large logits", {2, 2048}, DType::f32, 60}, 2, false);  // sigmoid and softplus saturate
  add({"2x2048 large logits", {2, 2048}, DType::f32, 60}, 2, true);
  add({"2x4096", {2, 4096}, DType::f16}, 2, false);
  add({"2x4096", {2, 4096}, DType::f16}, 2, true);
  add({"2x1000", {2, 1000}, DType::bf16}, 2, false);
  add({"2x1000", {2, 1000}, DType::bf16}, 2, true);
  add({"2x500", {2, 500}, DType::f64}, 1.5, false);
  add({"2x500", {2, 500}, DType::f64}, 1.5, true);
}

void add_bce(std::vector<Case>& cases) {
  const auto add = [&](const Problem& s, bool masked, bool weighted, bool gradient) {
    const std::string variant = std::string(masked ? " masked" : "") + (weighted ? " weighted" : "");
    cases.push_back(make_case("bce_with_logits", s, variant, gradient, masked ? 3 : 2,
                              weighted ? double(s.size()) * double(size_of(s.dtype)) : 0, 1, 12));
    cases.back().run = [=](CaseContext& c) { return run_bce(c, s, masked, weighted, gradient); };
  };
  // 14 labels are 56 B: items begin 0, 24, 16 and 8 B into a sector and touch 2, 3, 3 and 2. A warp an item,
  // one more sector for its sum.
  const Problem labels{"16x14", {16, 14}, DType::f32};
  add(labels, false, false, false);
  cases.back().sectors = 2 * (16 / 4) * (2 + 3 + 3 + 2) + 16;
  cases.back().wavefronts = 16 * 2;
  // 2048 elements are 256 sectors: x, t, mask of 4 items, the weights 4 times, and 4 sums.
  const Problem main{"4x2048", {4, 2048}, DType::f32};
  add(main, true, true, false);
  cases.back().sectors = 3 * 4 * 256 + 4 * 256 + 4;
  cases.back().wavefronts = 4 * (8 + 1);
  add(main, true, true, true);  // and dx; 8 warps load the scale
  cases.back().sectors = 4 * 4 * 256 + 4 * 256 + 4 * 8;
  add(labels, true, false, true);
  add({"2x512 large logits", {2, 512}, DType::f32, 60}, false, true, false);
  add({"2x512 large logits", {2, 512}, DType::f32, 60}, false, true, true);
  add({"3x72", {3, 72}, DType::f16}, true, true, false);
  add({"3x72", {3, 72}, DType::bf16}, true, true, true);
  add({"3x37", {3, 37}, DType::f64}, true, true, false);
  add({"3x37", {3, 37}, DType::f64}, true, true, true);
}

void add_smooth_l1(std::vector<Case>& cases) {
  const auto add = [&](const Problem& s, double beta, bool gradient, int64_t parts = 1) {
    const double mask = double(s.shape[0] * s.shape[1]) * double(size_of(s.dtype));
    cases.push_back(
        make_case("smooth_l1", s, beta == 0 ? " beta 0" : "", gradient, 2, mask, parts, gradient ? 4 : 6));
    cases.back().run = [=](CaseContext& c) { return run_smooth_l1(c, s, beta, gradient); };
  };
  // A pack is an anchor. 4096 anchors an item in 2 parts: x and t of 2048 sectors an item, masks of 512; sums
  // as in focal_loss.
  const Problem main{"2x4096x4", {2, 4096, 4}, DType::f32};
  add(main, 0.5, false, 2);
  cases.back().sectors = 2 * (2 * 2048 + 512) + 4 + 2 + 2;
  cases.back().wavefronts = 4 * (8 + 1);
  add(main, 0.5, true);
  cases.back().sectors = 2 * (3 * 2048 + 512) + 8 * 8;
  add({"2x300x4", {2, 300, 4}, DType::f32}, 0, false);
  add({"2x300x4", {2, 300, 4}, DType::f32}, 0, true);
  add({"2x160x5", {2, 160, 5}, DType::f32}, 0.5, false);  // packs that straddle anchors
  add({"2x160x5", {2, 160, 5}, DType::f32}, 0.5, true);
  add({"2x128x4", {2, 128, 4}, DType::f16}, 0.5, false);  // two anchors a pack
  add({"2x128x4", {2, 128, 4}, DType::f16}, 0.5, true);
  add({"3x11x3", {3, 11, 3}, DType::bf16}, 0.5, true);
  add({"3x11x3", {3, 11, 3}, DType::f64}, 0.5, false);
}

}  // namespace

void add_losses_cases(std::vector<Case>& cases) {
  add_focal(cases);
  add_bce(cases);
  add_smooth_l1(cases);
}

}  // namespace CAWE_DEVICE
