// SPDX-License-Identifier: Apache-2.0
// Cases of batch norm's kernels, in both layouts. References in f64 from what the inputs hold after rounding.
#include "cuda/kernels/batch_norm.h"

#include <type_traits>

#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/denormals.h"
#include "tensor/primitives/batch_norm.h"
#include "tensor/primitives/elementwise.h"

namespace CAWE_DEVICE {
namespace {

constexpr Layout kNchw = Layout::contiguous, kNhwc = Layout::channels_last;

/// One shape, and the tensors of a run at it.
struct Problem {
  std::string text;
  Shape shape;
  DType dtype;
  Layout layout;

  Number number() const {
    return dtype == DType::f64    ? Number::f64
           : dtype == DType::f16  ? Number::f16
           : dtype == DType::bf16 ? Number::bf16
                                  : Number::f32;
  }
  int64_t channels() const { return shape[1]; }
  int64_t cells() const { return shape[2] * shape[3]; }
  double numbers() const { return double(shape.numel()); }
  double bytes() const { return numbers() * double(size_of(dtype)); }
  double vector_bytes() const { return double(channels()) * (dtype == DType::f64 ? 8 : 4); }
  ChannelShape kernel_shape() const { return {shape[0], channels(), cells(), layout == kNhwc}; }
  Tensor image(const std::string& purpose) const { return random_tensor(shape, purpose, dtype, layout); }
  Tensor vector(const std::string& purpose) const {
    return random_tensor({channels()}, purpose, dtype == DType::f64 ? DType::f64 : DType::f32);
  }
};

Tensor f64(const Tensor& x) { return x.defined() ? x.to(DType::f64) : x; }

SumScratch scratch_of(CaseContext& c, const Problem& s) {
  return {c.fresh<double>(channel_sums_scratch(s.number(), s.kernel_shape())),
          c.upload(std::vector<uint32_t>(size_t(kSumTickets), 0))};
}
/// The sums' error; infinite where tickets were not put back to 0.
double error_of_sums(CaseContext& c, const Problem& s, const double* sums, const Tensor& expected,
                     const SumScratch& scratch) {
  for (const uint32_t left : c.download(scratch.tickets, kSumTickets))
    if (left != 0) return INFINITY;
  return relative_error(c.download(sums, {2, s.channels()}, DType::f64), expected);
}

double run_sums(CaseContext& c, const Problem& s, double mean) {
  Tensor x = s.image("bn x").to(DType::f64);
  primitives::unary(UnaryOp::affine, 1, mean, x.clone(), x);
  x = x.to(s.dtype);
  const int64_t count = 2 * s.channels();
  const void* in = c.upload(x);
  const SumScratch scratch = scratch_of(c, s);
  auto* sums = c.fresh<double>(count);
  c.measure([&] { channel_sums(s.number(), s.kernel_shape(), in, scratch, sums, c.stream()); });
  Tensor expected = Tensor::empty({2, s.channels()}, DType::f64);
  const ReferenceScope reference;
  primitives::channel_sums(f64(x), expected);
  return error_of_sums(c, s, sums, expected, scratch);
}

/// What a ReLU's output was: none, a tensor, or computed again.
enum class Relu { none, read, again };
const char* text_of(Relu relu) {
  return relu == Relu::read ? " relu" : relu == Relu::again ? " relu again" : "";
}

/// The bits of channel_affine() without a residual: one rounding of f32 or f64, and one to 16 bits.
template <class A>
Tensor affine_in(const Problem& s, const Tensor& x, const Tensor& scale, const Tensor& shift, bool relu) {
  const KeepDenormals as_on_a_gpu;
  const Tensor in = x.to(std::is_same_v<A, double> ? DType::f64 : DType::f32);
  Tensor out = Tensor::like(in);
  const A *p = in.data<A>(), *a = scale.data<A>(), *b = shift.data<A>();
  for (int64_t i = 0; i < in.numel(); ++i) {
    const int64_t channel = (s.layout == kNhwc ? i : i / s.cells()) % s.channels();
    const A v = std::fma(p[i], a[channel], b[channel]);
    out.data<A>()[i] = relu && v < 0 ? 0 : v;
  }
  return out.to(s.dtype);
}
Tensor affine_bits(const Problem& s, const Tensor& x, const Tensor& scale, const Tensor& shift, bool relu) {
  return s.dtype == DType::f64 ? affine_in<double>(s, x, scale, shift, relu)
                               : affine_in<float>(s, x, scale, shift, relu);
}

/// A ReLU's output on the device, and on the host for the reference. Computed again: by every second pixel's x the line
/// of a channel passes 0 or gives numbers that 16 bits cannot tell from 0.
struct Behind {
  Behind(CaseContext& c, const Problem& s, Relu relu, Tensor* x) : kernel{nullptr, nullptr, nullptr} {
    if (relu == Relu::none) return;
    if (relu == Relu::read) {
      y = s.image("bn y");
      kernel.y = c.upload(y);
      return;
    }
    scale = s.vector("bn scale");
    shift = s.vector("bn shift");
    const double least = s.dtype == DType::f16 ? 0x1p-24 : s.dtype == DType::bf16 ? 0x1p-133 : 0x1p-149;
    const KeepDenormals as_on_a_gpu;
    Tensor tiny = x->to(DType::f64);
    for (int64_t i = 0; i < tiny.numel(); i += 2) tiny.data<double>()[i] = least * double(i / 2 % 3);
    x->copy_from(tiny);
    for (int64_t k = 0; k < s.channels(); k += 2) {
      scale.slice(0, k, k + 1).fill(std::vector<double>{0.25, 0.5, 0.75}[size_t(k / 2 % 3)]);
      shift.slice(0, k, k + 1).fill(0);
    }
    kernel.scale = c.upload(scale);
    kernel.shift = c.upload(shift);
    y = affine_bits(s, *x, scale, shift, true);
  }
  ReluOutput kernel;
  Tensor y, scale, shift;
};

double run_grad_sums(CaseContext& c, const Problem& s, Relu relu) {
  const Tensor dy = s.image("bn dy"), mean = s.vector("bn mean"), invstd = s.vector("bn invstd");
  Tensor x = s.image("bn x");
  const Behind behind(c, s, relu, &x);
  const void *d = c.upload(dy), *in = c.upload(x), *m = c.upload(mean), *r = c.upload(invstd);
  const SumScratch scratch = scratch_of(c, s);
  auto* sums = c.fresh<double>(2 * s.channels());
  c.measure([&] {
    batch_norm_grad_sums(s.number(), s.kernel_shape(), d, in, behind.kernel, m, r, scratch, sums, c.stream());
  });
  Tensor expected = Tensor::empty({2, s.channels()}, DType::f64);
  const ReferenceScope reference;
  primitives::batch_norm_grad_sums(f64(dy), f64(x), f64(behind.y), {}, {}, f64(mean), f64(invstd),
                                   relu != Relu::none, expected);
  return error_of_sums(c, s, sums, expected, scratch);
}

double run_affine(CaseContext& c, const Problem& s, bool residual, bool relu) {
  const Tensor x = s.image("bn x"), scale = s.vector("bn scale"), shift = s.vector("bn shift"),
               r = residual ? s.image("bn residual") : Tensor();
  const void *in = c.upload(x), *a = c.upload(scale), *b = c.upload(shift),
             *add = residual ? c.upload(r) : nullptr;
  void* y = c.fresh<char>(int64_t(s.bytes()));
  c.measure([&] { channel_affine(s.number(), s.kernel_shape(), in, a, b, add, relu, y, c.stream()); });
  // What gradients compute again must be what came out.
  if (!residual)
    return relative_error(c.download(y, s.shape, s.dtype, s.layout), affine_bits(s, x, scale, shift, relu));
  Tensor expected = Tensor::empty(s.shape, DType::f64);
  const ReferenceScope reference;
  primitives::channel_affine(f64(x), f64(scale), f64(shift), f64(r), relu, expected);
  return relative_error(c.download(y, s.shape, s.dtype, s.layout), expected);
}

/// The larger error of dx and dresidual.
double error_of_gradients(CaseContext& c, const Problem& s, const void* dx, const Tensor& expected,
                          const void* dresidual, const Tensor& expected_residual) {
  const double error = relative_error(c.download(dx, s.shape, s.dtype, s.layout), expected);
  if (dresidual == nullptr) return error;
  return std::max(error,
                  relative_error(c.download(dresidual, s.shape, s.dtype, s.layout), expected_residual));
}

double run_grad_input(CaseContext& c, const Problem& s, Relu relu, bool residual) {
  const Tensor dy = s.image("bn dy");
  Tensor x = s.image("bn x");
  const Behind behind(c, s, relu, &x);
  const Tensor mean = s.vector("bn mean"), invstd = s.vector("bn invstd"), w = s.vector("bn weight");
  const Tensor sums = random_tensor({2, s.channels()}, "bn sums", DType::f64);
  const double count = 3.5;  // sums of order 1: what is subtracted must weigh
  const void *d = c.upload(dy), *in = c.upload(x), *m = c.upload(mean), *r = c.upload(invstd),
             *weight = c.upload(w);
  const auto* total = static_cast<const double*>(c.upload(sums));
  void *dx = c.fresh<char>(int64_t(s.bytes())),
       *dresidual = residual ? c.fresh<char>(int64_t(s.bytes())) : nullptr;
  c.measure([&] {
    batch_norm_grad_input(s.number(), s.kernel_shape(), d, in, behind.kernel, m, r, weight, total, count, dx,
                          dresidual, c.stream());
  });
  Tensor expected = Tensor::empty(s.shape, DType::f64),
         expected_residual = residual ? Tensor::empty(s.shape, DType::f64) : Tensor();
  const ReferenceScope reference;
  primitives::batch_norm_grad_input(f64(dy), f64(x), f64(behind.y), {}, {}, f64(mean), f64(invstd), f64(w),
                                    sums, count, relu != Relu::none, expected, expected_residual);
  return error_of_gradients(c, s, dx, expected, dresidual, expected_residual);
}

double run_affine_grad(CaseContext& c, const Problem& s, bool relu, bool residual) {
  const Tensor dy = s.image("bn dy"), y = relu ? s.image("bn y") : Tensor(), scale = s.vector("bn scale");
  const void *d = c.upload(dy), *out = relu ? c.upload(y) : nullptr, *a = c.upload(scale);
  void *dx = c.fresh<char>(int64_t(s.bytes())),
       *dresidual = residual ? c.fresh<char>(int64_t(s.bytes())) : nullptr;
  c.measure([&] { channel_affine_grad(s.number(), s.kernel_shape(), d, out, a, dx, dresidual, c.stream()); });
  Tensor expected = Tensor::empty(s.shape, DType::f64),
         expected_residual = residual ? Tensor::empty(s.shape, DType::f64) : Tensor();
  const ReferenceScope reference;
  primitives::channel_affine_grad(f64(dy), f64(y), f64(scale), relu, expected, expected_residual);
  return error_of_gradients(c, s, dx, expected, dresidual, expected_residual);
}

/// What cases of maps and sums have in common; `tensors` of the problem's size are read, `vectors` of C
/// numbers.
Case make_case(const std::string& name, const std::string& file, const Problem& s, const std::string& variant,
               int tensors, int vectors, double tolerance) {
  Case r;
  r.name = name + (s.layout == kNhwc ? "_nhwc" : "");
  r.shape = std::string(cawe::name(s.dtype)) + " " + s.text + variant;
  r.file = "cuda/kernels/" + file;
  r.tolerance = tolerance;
  r.floor_read = tensors * s.bytes() + vectors * s.vector_bytes();
  // Vectors end within a sector, and so do odd planes' ends.
  r.unique_allowance = 1.05 + 32.0 * (vectors + tensors) / r.floor_read;
  r.reason = "vectors of few channels fill their last sector only in part";
  return r;
}

/// `parts` by hand: where there are several, each writes two sums a channel, which are read again. `channels`: those of
/// whole columns, where they are more.
void with_parts(Case* r, const Problem& s, int64_t parts, double flops_each, int64_t channels = 0) {
  const double partial = parts == 1 ? 0 : double(parts) * 16 * double(channels > 0 ? channels : s.channels());
  r->floor_read += partial;
  r->floor_written =
      partial + 16 * double(s.channels()) + (parts == 1 ? 0 : 32);  // tickets are put back: a sector
  r->flops = flops_each * s.numbers();
}

/// f32 tolerances are for f32 arithmetic; 16-bit outputs are rounded to 11 and 8 bits.
double map_tolerance(DType dtype) {
  return dtype == DType::f64 ? 1e-15 : dtype == DType::f16 ? 5e-4 : dtype == DType::bf16 ? 4e-3 : 5e-7;
}

const Problem kMain{"2x128x16x16", {2, 128, 16, 16}, DType::f32, kNhwc};
const Problem kPlanes{"2x16x32x32", {2, 16, 32, 32}, DType::f32, kNchw};

// Trees over a block of 256, each level of which loads and stores, 2 wavefronts a warp of doubles. 8 warps store, then 4, 2
// and 1 add; below a warp one wavefront each. To 32 columns, to 8, to 1:
constexpr uint64_t kTreeTo32 = 2 * 8 + 4 * (4 + 2 + 1), kTreeTo8 = kTreeTo32 + 2 * 2,
                   kTreeTo1 = kTreeTo8 + 2 * 3;
// kMain: 512 rows by 32 a block and 8 a thread are 2 parts, in 4 columns of 32 channels. A block's trees, of 4 doubles of x
// and of x^2; then 8 lanes store 2 x 4 sums 64 bytes apart, 32 threads load theirs in two, and all ask who is last. The last
// of a column adds two.
constexpr uint64_t kMainWavefronts = 8 * (8 * kTreeTo8 + 8 * 4 + 2 * 4 + 9) + 4 * 2 * kTreeTo32;
// A part's 32 x 2 doubles are 16 sectors, read again; sums of 32 channels twice 8; a ticket put back.
constexpr uint64_t kMainPartSectors = 8 * 2 * 16 + 4 * (2 * 8 + 1);

void add_sums(std::vector<Case>& cases) {
  const auto add = [&](const Problem& s, int64_t parts, const std::string& variant = "", double mean = 0.5,
                       int64_t channels = 0) {
    cases.push_back(make_case("channel_sums", "batch_norm_sums.cu", s, variant, 1, 0, 1e-14));
    cases.back().run = [=](CaseContext& c) { return run_sums(c, s, mean); };
    with_parts(&cases.back(), s, parts, 3, channels);
  };
  add(kMain, 2);
  cases.back().sectors = 512 * 16 + kMainPartSectors;
  cases.back().wavefronts = kMainWavefronts;
  cases.back().min_simt = 0.75;  // the tree's last rounds leave warps with nothing to do
  // A plane of 1024 cells is 128 sectors; a block a channel, whose first thread stores two doubles.
  add(kPlanes, 1);
  cases.back().sectors = 32 * 128 + 16 * 2;
  cases.back().wavefronts = 16 * 2 * kTreeTo1;
  add({"1x128x48x48", {1, 128, 48, 48}, DType::f32, kNhwc}, 9);    // 8 parts of a column are added at a time
  add({"1x64x96x96", {1, 64, 96, 96}, DType::f16, kNhwc}, 36);     // 4 at a time, and 8 of these loaded ahead
  add({"2x1024x30x30", {2, 1024, 30, 30}, DType::f32, kNhwc}, 6);  // 32 columns: 216 blocks are 6 parts
  add({"8x2x64x64", {8, 2, 64, 64}, DType::f32, kNchw}, 8);        // 8192 packs by 1024: 8 parts
  add({"2x320x8x8", {2, 320, 8, 8}, DType::f32, kNhwc}, 1);        // 80 packs: 10 columns
  add({"4x8x16x32", {4, 8, 16, 32}, DType::f32, kNhwc}, 2);        // 2 packs: 128 rows a block
  add({"3x37x5x7", {3, 37, 5, 7}, DType::f32, kNhwc}, 2, "", 0.5, 64);  // no packs, 2 columns, one not full
  add({"3x37x7x7", {3, 37, 7, 7}, DType::f32, kNchw}, 1);               // no packs
  add({"2x32x9x9", {2, 32, 9, 9}, DType::f16, kNhwc}, 1);               // 4 packs: 64 rows a block
  add({"2x10x8x8", {2, 10, 8, 8}, DType::bf16, kNchw}, 1);
  add({"2x24x6x6", {2, 24, 6, 6}, DType::f64, kNhwc}, 1);
  add({"1x4x64x64", {1, 4, 64, 64}, DType::f32, kNhwc}, 2, " mean 1000", 1000);
}

void add_grad_sums(std::vector<Case>& cases) {
  const auto add = [&](const Problem& s, int64_t parts, Relu relu, int64_t channels = 0) {
    cases.push_back(make_case("batch_norm_grad_sums", "batch_norm_sums.cu", s, text_of(relu),
                              relu == Relu::read ? 3 : 2, relu == Relu::again ? 4 : 2,
                              s.dtype == DType::f64 ? 1e-14 : 1e-6));
    cases.back().run = [=](CaseContext& c) { return run_grad_sums(c, s, relu); };
    with_parts(&cases.back(), s, parts, 4, channels);
  };
  // As channel_sums with three tensors; each of 8 blocks' 8 warps loads 128 B of means, the last ones 128 B of invstd.
  add(kMain, 2, Relu::read);
  cases.back().sectors = 3 * 512 * 16 + 8 * 8 * 4 + kMainPartSectors + 4 * 4;
  cases.back().wavefronts = kMainWavefronts;
  // Each of the 8 warps of a block loads its channel's mean.
  add(kPlanes, 1, Relu::none);
  cases.back().sectors = 2 * 32 * 128 + 16 * 8 + 16 * 3;
  cases.back().wavefronts = 16 * 2 * kTreeTo1;
  add({"3x37x7x7", {3, 37, 7, 7}, DType::f32, kNchw}, 1, Relu::read);
  add({"3x37x5x7", {3, 37, 5, 7}, DType::f32, kNhwc}, 2, Relu::none, 64);
  add({"2x32x9x9", {2, 32, 9, 9}, DType::bf16, kNhwc}, 1, Relu::read);
  add({"2x10x8x8", {2, 10, 8, 8}, DType::f16, kNchw}, 1, Relu::read);
  add({"2x24x6x6", {2, 24, 6, 6}, DType::f64, kNhwc}, 1, Relu::read);
  // A tensor less, and scales and shifts are loaded as means are.
  add(kMain, 2, Relu::again);
  cases.back().sectors = 2 * 512 * 16 + 8 * 8 * 3 * 4 + kMainPartSectors + 4 * 4;
  cases.back().wavefronts = kMainWavefronts;
  add({"3x37x7x7", {3, 37, 7, 7}, DType::f32, kNchw}, 1, Relu::again);
  add({"2x32x9x9", {2, 32, 9, 9}, DType::f16, kNhwc}, 1, Relu::again);
  add({"2x10x8x8", {2, 10, 8, 8}, DType::bf16, kNchw}, 1, Relu::again);
  add({"2x24x6x6", {2, 24, 6, 6}, DType::f64, kNhwc}, 1, Relu::again);
}

void add_affine(std::vector<Case>& cases) {
  const auto add = [&](const Problem& s, bool residual, bool relu) {
    const std::string variant = std::string(residual ? " residual" : "") + (relu ? " relu" : "");
    cases.push_back(make_case("channel_affine", "batch_norm.cu", s, variant, residual ? 2 : 1, 2,
                              residual ? map_tolerance(s.dtype) : 0));
    cases.back().run = [=](CaseContext& c) { return run_affine(c, s, residual, relu); };
    cases.back().floor_written = s.bytes();
    cases.back().flops = (residual ? 3 : 2) * s.numbers();
  };
  // 512 rows of 16 sectors, three tensors; 8 blocks of 64 rows, each of whose 8 warps loads two vectors of
  // 512 B.
  add(kMain, true, true);
  cases.back().sectors = 3 * 512 * 16 + 8 * 8 * 2 * 16;
  cases.back().min_simt = 0.9;  // ReLU: the emulator branches where a GPU selects
  // A plane is 128 sectors in two warps, which load two numbers each.
  add(kPlanes, false, true);
  cases.back().sectors = 2 * 32 * 128 + 32 * 2 * 2;
  cases.back().min_simt = 0.9;
  add({"3x37x7x7", {3, 37, 7, 7}, DType::f32, kNchw}, true, false);
  add({"3x37x5x7", {3, 37, 5, 7}, DType::f32, kNhwc}, false, false);
  // 16 B loads of vectors lie 32 B apart for packs of 8: each request touches all its sectors, twice in all.
  add({"4x256x8x8", {4, 256, 8, 8}, DType::f16, kNhwc}, true, true);
  cases.back().sectors = 3 * 256 * 16 + 4 * 8 * 2 * 2 * 32;
  add({"2x32x9x9", {2, 32, 9, 9}, DType::bf16, kNhwc}, false, true);
  add({"2x10x8x8", {2, 10, 8, 8}, DType::f16, kNchw}, true, true);
  add({"2x24x6x6", {2, 24, 6, 6}, DType::f64, kNhwc}, true, true);
}

void add_grad_input(std::vector<Case>& cases) {
  const auto add = [&](const Problem& s, Relu relu, bool residual) {
    const std::string variant = std::string(text_of(relu)) + (residual ? " residual" : "");
    cases.push_back(make_case("batch_norm_grad_input", "batch_norm.cu", s, variant,
                              relu == Relu::read ? 3 : 2, relu == Relu::again ? 5 : 3,
                              map_tolerance(s.dtype)));
    cases.back().run = [=](CaseContext& c) { return run_grad_input(c, s, relu, residual); };
    cases.back().floor_read += 16 * double(s.channels());
    cases.back().floor_written = (residual ? 2 : 1) * s.bytes();
    cases.back().flops = 5 * s.numbers();
  };
  // Five tensors of 512 x 16 sectors; 8 blocks of 8 warps load three vectors of 512 B, and two of 128 doubles
  // in two loads each that touch all 32 sectors.
  add(kMain, Relu::read, true);
  cases.back().sectors = 5 * 512 * 16 + 8 * 8 * (3 * 16 + 2 * 2 * 32);
  add(kPlanes, Relu::none, false);
  cases.back().sectors = 3 * 32 * 128 + 32 * 2 * 5;
  add({"3x37x7x7", {3, 37, 7, 7}, DType::f32, kNchw}, Relu::read, true);
  add({"3x37x5x7", {3, 37, 5, 7}, DType::f32, kNhwc}, Relu::read, false);
  add({"2x32x9x9", {2, 32, 9, 9}, DType::f16, kNhwc}, Relu::read, true);
  add({"2x10x8x8", {2, 10, 8, 8}, DType::bf16, kNchw}, Relu::none, false);
  add({"2x24x6x6", {2, 24, 6, 6}, DType::f64, kNhwc}, Relu::read, true);
  // Three tensors; 8 blocks of 8 warps load five vectors of 512 B, and sums as above.
  add(kMain, Relu::again, false);
  cases.back().sectors = 3 * 512 * 16 + 8 * 8 * (5 * 16 + 2 * 2 * 32);
  add({"3x37x7x7", {3, 37, 7, 7}, DType::f32, kNchw}, Relu::again, false);
  add({"2x32x9x9", {2, 32, 9, 9}, DType::bf16, kNhwc}, Relu::again, false);
  add({"2x10x8x8", {2, 10, 8, 8}, DType::f16, kNchw}, Relu::again, false);
  add({"2x24x6x6", {2, 24, 6, 6}, DType::f64, kNhwc}, Relu::again, false);
}

void add_affine_grad(std::vector<Case>& cases) {
  const auto add = [&](const Problem& s, bool relu, bool residual) {
    const std::string variant = std::string(relu ? " relu" : "") + (residual ? " residual" : "");
    cases.push_back(make_case("channel_affine_grad", "batch_norm.cu", s, variant, relu ? 2 : 1, 1,
                              map_tolerance(s.dtype)));
    cases.back().run = [=](CaseContext& c) { return run_affine_grad(c, s, relu, residual); };
    cases.back().floor_written = (residual ? 2 : 1) * s.bytes();
    cases.back().flops = s.numbers();
  };
  add(kMain, true, true);
  cases.back().sectors = 4 * 512 * 16 + 8 * 8 * 16;
  add(kPlanes, true, false);
  cases.back().sectors = 3 * 32 * 128 + 32 * 2;
  add({"3x37x7x7", {3, 37, 7, 7}, DType::f64, kNchw}, true, true);
  add({"3x37x5x7", {3, 37, 5, 7}, DType::bf16, kNhwc}, true, true);
  add({"2x32x9x9", {2, 32, 9, 9}, DType::f16, kNhwc}, false, false);
}

}  // namespace

void add_batch_norm_cases(std::vector<Case>& cases) {
  add_sums(cases);
  add_grad_sums(cases);
  add_affine(cases);
  add_grad_input(cases);
  add_affine_grad(cases);
}

}  // namespace CAWE_DEVICE
