// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/elementwise.h"

#include <iterator>

#include "cuda/backend/views.h"
#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/elementwise.h"

namespace CAWE_DEVICE {
namespace {

constexpr DType kFloating[] = {DType::f32, DType::f64, DType::f16, DType::bf16};
constexpr UnaryOp kUnary[] = {UnaryOp::identity, UnaryOp::affine, UnaryOp::relu, UnaryOp::leaky_relu,
                              UnaryOp::sigmoid,  UnaryOp::tanh,   UnaryOp::exp,  UnaryOp::log,
                              UnaryOp::sqrt,     UnaryOp::square, UnaryOp::abs,  UnaryOp::softplus,
                              UnaryOp::clamp};
constexpr const char* kUnaryNames[] = {"identity", "affine",   "relu", "leaky_relu", "sigmoid",
                                       "tanh",     "exp",      "log",  "sqrt",       "square",
                                       "abs",      "softplus", "clamp"};
constexpr BinaryOp kBinary[] = {BinaryOp::add,     BinaryOp::sub,     BinaryOp::mul,
                                BinaryOp::div,     BinaryOp::minimum, BinaryOp::maximum,
                                BinaryOp::greater, BinaryOp::equal,   BinaryOp::greater_equal};

/// Half a unit in the last place of the largest value, and some of it for what precedes the rounding.
double tolerance_of(DType dtype) {
  return dtype == DType::f32 ? 1e-6 : dtype == DType::f64 ? 1e-15 : dtype == DType::f16 ? 6e-4 : 5e-3;
}

/// a and b of a call: slopes, bounds.
double parameter_a(UnaryOp op) {
  return op == UnaryOp::affine ? 1.75 : op == UnaryOp::leaky_relu ? 0.125 : op == UnaryOp::clamp ? -0.5 : 0;
}
double parameter_b(UnaryOp op) { return op == UnaryOp::affine ? -0.25 : op == UnaryOp::clamp ? 0.75 : 0; }

/// Numbers where `op` is defined.
Tensor numbers_for(UnaryOp op, const Shape& shape, DType dtype, Layout layout) {
  Tensor x = random_tensor(shape, "unary", DType::f64);
  if (op == UnaryOp::log || op == UnaryOp::sqrt)
    for (int64_t i = 0; i < x.numel(); ++i) x.data<double>()[i] = std::fabs(x.data<double>()[i]) + 0.125;
  Tensor out = Tensor::empty(shape, dtype, layout);
  out.copy_from(x);
  return out;
}

Operand on_device(CaseContext& c, const Tensor& x) { return {c.upload(x), view_of(x)}; }
Operand repeated(CaseContext& c, const Tensor& x, const Shape& shape) {
  return {c.upload(x), view_of(x, shape)};
}
Result fresh(CaseContext& c, const Tensor& like) {
  return {c.fresh<char>(like.numel() * int64_t(size_of(like.dtype()))), view_of(like)};
}
Tensor download(CaseContext& c, const Result& y, const Tensor& like) {
  return c.download(y.data, like.shape(), like.dtype(),
                    like.is_contiguous() ? Layout::contiguous : Layout::channels_last);
}

/// x and y in different memory orders where `x_layout` is not `y_layout`: the general kernel.
struct Problem {
  UnaryOp op;
  Shape shape;
  DType dtype;
  Layout x_layout = Layout::contiguous, y_layout = Layout::contiguous;
};

/// By its number, since a case may go through all.
std::string operator_of(const Problem& k) { return "operator " + std::to_string(int(k.op)); }

double run_unary(CaseContext& c, const Problem& k) {
  const Tensor x = numbers_for(k.op, k.shape, k.dtype, k.x_layout),
               like = Tensor::empty(k.shape, k.dtype, k.y_layout);
  const Operand in = on_device(c, x);
  const Result out = fresh(c, like);
  const double a = parameter_a(k.op), b = parameter_b(k.op);
  c.measure([&] { unary(number_for(k.dtype), k.op, a, b, in, out, c.stream()); });
  Tensor expected = Tensor::empty(k.shape, DType::f64);
  const ReferenceScope reference;
  primitives::unary(k.op, a, b, x.to(DType::f64), expected);
  return relative_error(download(c, out, like), expected, operator_of(k));
}

double run_unary_grad(CaseContext& c, const Problem& k) {
  const double a = parameter_a(k.op), b = parameter_b(k.op);
  const Tensor x = numbers_for(k.op, k.shape, k.dtype, k.x_layout),
               dy = random_tensor(k.shape, "unary gradient", k.dtype, k.y_layout);
  const ReferenceScope reference;
  Tensor exact = Tensor::empty(k.shape, DType::f64), y = Tensor::empty(k.shape, k.dtype, k.y_layout);
  primitives::unary(k.op, a, b, x.to(DType::f64), exact);
  y.copy_from(exact);
  const Operand in = on_device(c, x), out = on_device(c, y), g = on_device(c, dy);
  const Result dx = fresh(c, dy);
  c.measure([&] { unary_grad(number_for(k.dtype), k.op, a, b, in, out, g, dx, c.stream()); });
  Tensor expected = Tensor::empty(k.shape, DType::f64);
  primitives::unary_grad(k.op, a, b, x.to(DType::f64), y.to(DType::f64), dy.to(DType::f64), expected);
  return relative_error(download(c, dx, dy), expected, operator_of(k));
}

/// How many numbers differ, a NaN being like any other NaN.
double different_numbers(const Tensor& a, const Tensor& b) {
  const auto x = a.to(DType::f64).to_vector<double>(), y = b.to(DType::f64).to_vector<double>();
  double count = 0;
  for (size_t i = 0; i < x.size(); ++i)
    count += !(x[i] == y[i] ? std::signbit(x[i]) == std::signbit(y[i]) : x[i] != x[i] && y[i] != y[i]);
  return count;
}

/// NaN, infinities, zeros of both signs, numbers near the bounds: the same bits as the CPU's.
double run_unary_specials(CaseContext& c) {
  constexpr UnaryOp kExact[] = {UnaryOp::identity, UnaryOp::relu, UnaryOp::leaky_relu,
                                UnaryOp::square,   UnaryOp::abs,  UnaryOp::clamp};
  const float nan = std::nanf("");
  const Tensor x = Tensor::from<float>(
      {nan, INFINITY, -INFINITY, 0.f, -0.f, 1e-40f, -1e-40f, 3e38f, -3e38f, 0.75f, -0.5f, nan}, {12});
  const Operand in = on_device(c, x);
  std::vector<Result> y, dx;
  for (size_t i = 0; i < std::size(kExact); ++i) {
    y.push_back(fresh(c, x));
    dx.push_back(fresh(c, x));
  }
  c.measure([&] {
    for (size_t i = 0; i < std::size(kExact); ++i) {
      const double a = parameter_a(kExact[i]), b = parameter_b(kExact[i]);
      unary(Number::f32, kExact[i], a, b, in, y[i], c.stream());
      unary_grad(Number::f32, kExact[i], a, b, in, in, in, dx[i], c.stream());
    }
  });
  double count = 0;
  const ReferenceScope reference;
  for (size_t i = 0; i < std::size(kExact); ++i) {
    const double a = parameter_a(kExact[i]), b = parameter_b(kExact[i]);
    Tensor expected = Tensor::like(x), slopes = Tensor::like(x);
    primitives::unary(kExact[i], a, b, x, expected);
    primitives::unary_grad(kExact[i], a, b, x, x, x, slopes);
    count +=
        different_numbers(download(c, y[i], x), expected) + different_numbers(download(c, dx[i], x), slopes);
  }
  return count;
}

/// In the type itself for f32 and f64, whose bits must agree; through f32 for the others.
Tensor binary_reference(BinaryOp op, const Tensor& p, const Tensor& q, const Shape& shape) {
  const DType dtype = p.dtype(), compute = dtype == DType::f64 ? DType::f64 : DType::f32;
  Tensor y = Tensor::empty(shape, compute);
  const ReferenceScope reference;
  primitives::binary(op, p.to(compute), q.to(compute), y);
  return y.to(dtype);
}

/// Numbers of which some are equal.
Tensor coarse(const Shape& shape, const std::string& purpose, DType dtype, Layout layout) {
  Tensor x = random_tensor(shape, purpose, DType::f64);
  for (int64_t i = 0; i < x.numel(); i += 2) x.data<double>()[i] = std::round(x.data<double>()[i]) + 0.5;
  Tensor out = Tensor::empty(shape, dtype, layout);
  out.copy_from(x);
  return out;
}

/// All operators, on p and q broadcast to `shape`.
double run_binary(CaseContext& c, const Tensor& p, const Tensor& q, const Shape& shape, Layout layout) {
  const Tensor like = Tensor::empty(shape, p.dtype(), layout);
  const Operand a = repeated(c, p, shape), b = repeated(c, q, shape);
  std::vector<Result> y;
  for (size_t i = 0; i < std::size(kBinary); ++i) y.push_back(fresh(c, like));
  c.measure([&] {
    for (size_t i = 0; i < std::size(kBinary); ++i)
      binary(number_for(p.dtype()), kBinary[i], a, b, y[i], c.stream());
  });
  double count = 0;
  for (size_t i = 0; i < std::size(kBinary); ++i)
    count += different_numbers(download(c, y[i], like), binary_reference(kBinary[i], p, q, shape));
  return count;
}

double run_accumulate(CaseContext& c, const Tensor& x, const Tensor& y) {
  const Operand in = on_device(c, x);
  const Result sum{c.upload(y), view_of(y)};
  c.measure([&] { accumulate(number_for(x.dtype()), in, sum, c.stream()); });
  return different_numbers(download(c, sum, y), binary_reference(BinaryOp::add, y, x, y.shape()));
}

Case make_case(const std::string& name, const std::string& text, const std::string& file,
               std::function<double(CaseContext&)> run, double tolerance) {
  Case r;
  r.name = name;
  r.shape = text;
  r.file = "cuda/kernels/" + file;
  r.run = std::move(run);
  r.tolerance = tolerance;
  return r;
}

/// Of a flat call: `reads` operands of n numbers are read, one is written, and each may have a last request
/// of single numbers.
void flat_counts(Case& r, double n, double e, double reads) {
  r.floor_read = reads * n * e;
  r.floor_written = n * e;
  r.sectors = uint64_t(reads + 1) * (sectors_of(n * e) + 1);
}

void add_unary(std::vector<Case>& cases) {
  constexpr int64_t kCount = 2051;  // whole packs of every type, and three numbers left
  for (const DType dtype : kFloating) {
    const std::string type = name(dtype);
    for (const UnaryOp op : kUnary) {
      const Problem flat{op, {kCount}, dtype};
      const std::string text = type + " " + kUnaryNames[int(op)] + " 2051";
      cases.push_back(make_case(
          "unary", text, "elementwise_unary.cu", [=](CaseContext& c) { return run_unary(c, flat); },
          tolerance_of(dtype)));
      flat_counts(cases.back(), kCount, double(size_of(dtype)), 1);
      cases.back().flops = kCount;
      cases.push_back(make_case(
          "unary_grad", text, "elementwise_unary_grad.cu",
          [=](CaseContext& c) { return run_unary_grad(c, flat); }, tolerance_of(dtype)));
      const bool looks = op != UnaryOp::identity && op != UnaryOp::affine;  // at x or at y
      flat_counts(cases.back(), kCount, double(size_of(dtype)), looks ? 2 : 1);
      cases.back().flops = 2 * kCount;
    }
    const auto every = [dtype](double (*run)(CaseContext&, const Problem&)) {
      return [=](CaseContext& c) {
        double worst = 0;
        for (const UnaryOp op : kUnary)
          worst =
              std::max(worst, run(c, {op, {2, 3, 5, 7}, dtype, Layout::channels_last, Layout::contiguous}));
        return worst;
      };
    };
    const std::string text = type + " 2x3x5x7 from channels-last to NCHW";
    cases.push_back(make_case("unary", text, "elementwise_unary.cu", every(run_unary), tolerance_of(dtype)));
    cases.push_back(make_case("unary_grad", text, "elementwise_unary_grad.cu", every(run_unary_grad),
                              tolerance_of(dtype)));
  }
  cases.push_back(make_case("unary_specials", "f32 12", "elementwise_unary.cu", run_unary_specials, 0));
}

void add_binary_case(std::vector<Case>& cases, const std::string& text, DType dtype, const Shape& p,
                     const Shape& q, const Shape& shape, Layout layout, Layout p_layout) {
  const Tensor first = coarse(p, "first operand", dtype, p == shape ? p_layout : Layout::contiguous),
               second = coarse(q, "second operand", dtype, q == shape ? layout : Layout::contiguous);
  cases.push_back(make_case(
      "binary", std::string(name(dtype)) + " " + text, "elementwise_binary.cu",
      [=](CaseContext& c) { return run_binary(c, first, second, shape, layout); }, 0));
  cases.back().flops = 9 * double(shape.numel());
}

/// Nine operators: each reads both operands, whatever of them is distinct, and writes y.
void binary_counts(Case& r, double p, double q, double y, double e) {
  r.floor_read = 9 * (sectors_of(p * e) + sectors_of(q * e)) * 32.0;
  r.floor_written = 9 * y * e;
}

void add_binary(std::vector<Case>& cases) {
  const auto nchw = Layout::contiguous, last = Layout::channels_last;
  for (const DType dtype : kFloating) {
    const double e = double(size_of(dtype));
    const auto packs = [&](double n) { return double(sectors_of(n * e)); };
    add_binary_case(cases, "flat 1027", dtype, {1027}, {1027}, {1027}, nchw, nchw);
    binary_counts(cases.back(), 1027, 1027, 1027, e);
    cases.back().sectors = uint64_t(9 * 3 * (packs(1027) + 1));
    // A warp takes 16 sectors of x: 1, 2 or 4 planes of 64 cells, whose numbers lie in one sector of [C].
    add_binary_case(cases, "3x40x4x16 by channel, NCHW", dtype, {3, 40, 4, 16}, {40, 1, 1}, {3, 40, 4, 16},
                    nchw, nchw);
    binary_counts(cases.back(), 7680, 40, 7680, e);
    cases.back().sectors = uint64_t(9 * (2 * packs(7680) + packs(7680) / 16));
    // A warp takes 64 to 256 numbers of x, and so all 40 of [C]: 10, 5 or 3 sectors beside the 16.
    add_binary_case(cases, "3x40x4x16 by channel, channels-last", dtype, {3, 40, 4, 16}, {40, 1, 1},
                    {3, 40, 4, 16}, last, last);
    binary_counts(cases.back(), 7680, 40, 7680, e);
    cases.back().sectors = uint64_t(9 * packs(7680) * (2 + packs(40) / 16));
    add_binary_case(cases, "first operand by image", dtype, {4, 1, 1, 1}, {4, 5, 8, 8}, {4, 5, 8, 8}, nchw,
                    nchw);
    binary_counts(cases.back(), 4, 1280, 1280, e);
    add_binary_case(cases, "one number", dtype, {7, 33}, {}, {7, 33}, nchw, nchw);
    binary_counts(cases.back(), 231, 1, 231, e);
    add_binary_case(cases, "one number first", dtype, {1}, {7, 33}, {7, 33}, nchw, nchw);
    binary_counts(cases.back(), 1, 231, 231, e);
    add_binary_case(cases, "column by row 13x17", dtype, {13, 1}, {1, 17}, {13, 17}, nchw, nchw);
    add_binary_case(cases, "channels-last and NCHW 2x3x5x7", dtype, {2, 3, 5, 7}, {2, 3, 5, 7}, {2, 3, 5, 7},
                    nchw, last);
    add_binary_case(cases, "2x5x3x3 by channel, NCHW", dtype, {2, 5, 3, 3}, {5, 1, 1}, {2, 5, 3, 3}, nchw,
                    nchw);
  }
}

void add_accumulate(std::vector<Case>& cases) {
  for (const DType dtype : kFloating) {
    const std::string type = name(dtype);
    const Tensor x = random_tensor({5, 411}, "addend", dtype), y = random_tensor({5, 411}, "sum", dtype);
    cases.push_back(make_case(
        "accumulate", type + " 5x411", "elementwise_binary.cu",
        [=](CaseContext& c) { return run_accumulate(c, x, y); }, 0));
    flat_counts(cases.back(), 2055, double(size_of(dtype)), 2);
    cases.back().flops = 2055;
    const Tensor image = random_tensor({2, 3, 5, 7}, "addend", dtype, Layout::channels_last),
                 total = random_tensor({2, 3, 5, 7}, "sum", dtype);
    cases.push_back(make_case(
        "accumulate", type + " channels-last to NCHW 2x3x5x7", "elementwise_binary.cu",
        [=](CaseContext& c) { return run_accumulate(c, image, total); }, 0));
  }
}

}  // namespace

void add_elementwise_cases(std::vector<Case>& cases) {
  add_unary(cases);
  add_binary(cases);
  add_accumulate(cases);
}

}  // namespace CAWE_DEVICE
