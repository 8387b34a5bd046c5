// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/reductions.h"

#include "cuda/backend/views.h"
#include "cuda/kernels/pooling.h"
#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/pooling.h"
#include "tensor/primitives/reductions.h"

namespace CAWE_DEVICE {
namespace {

constexpr DType kFloating[] = {DType::f32, DType::f64, DType::f16, DType::bf16};

Number number_for(DType dtype) { return Number(int(dtype)); }  // both begin with f32, f64, f16, bf16
static_assert(int(DType::f64) == int(Number::f64) && int(DType::bf16) == int(Number::bf16));

/// Bytes of the sectors that `bytes` from the start of an allocation lie in.
double whole(double bytes) { return double(sectors_of(bytes)) * 32; }

/// Of sums: the rounding to the type, and some of f32's in the sum itself.
double tolerance_of(DType dtype) {
  return dtype == DType::f32 ? 1e-6 : dtype == DType::f64 ? 1e-14 : dtype == DType::f16 ? 6e-4 : 5e-3;
}

const void* upload(CaseContext& c, const Tensor& x) { return x.numel() > 0 ? c.upload(x) : c.fresh<char>(0); }
char* fresh(CaseContext& c, int64_t n, DType dtype) { return c.fresh<char>(n * int64_t(size_of(dtype))); }

Tensor reference_sum(const Tensor& x, const Shape& to) {
  Tensor sum = Tensor::empty(to, DType::f64);
  const ReferenceScope reference;
  primitives::sum_to(x.to(DType::f64), sum);
  return sum;
}

/// Sums in as many launches as the pieces need, over `divisor` at the end.
double run_rows(CaseContext& c, int64_t rows, int64_t length, DType dtype, double divisor) {
  const Tensor x = random_tensor({rows, length}, "rows", dtype);
  const Number number = number_for(dtype), sums = number_for(accumulator_of(dtype));
  const void* const in = upload(c, x);
  const int64_t pieces = row_pieces(length);
  void *const partial = fresh(c, rows * pieces, accumulator_of(dtype)), *const y = fresh(c, rows, dtype);
  c.measure([&] {
    if (pieces > 1) sum_rows(number, sums, in, partial, rows, length, 1, c.stream());
    sum_rows(pieces > 1 ? sums : number, number, pieces > 1 ? partial : in, y, rows,
             pieces > 1 ? pieces : length, divisor, c.stream());
  });
  Tensor expected = reference_sum(x, {rows, 1}).reshape({rows});
  for (int64_t i = 0; i < rows; ++i) expected.data<double>()[i] /= divisor;
  return relative_error(c.download(y, {rows}, dtype), expected);
}

double run_columns(CaseContext& c, int64_t batch, int64_t rows, int64_t columns, DType dtype,
                   double divisor) {
  const Tensor x = random_tensor({batch, rows, columns}, "columns", dtype);
  const Number number = number_for(dtype), sums = number_for(accumulator_of(dtype));
  const void* const in = upload(c, x);
  const int64_t pieces = column_pieces(rows, columns);
  void *const partial = fresh(c, batch * pieces * columns, accumulator_of(dtype)), *const y = fresh(
                                                                                       c, batch * columns,
                                                                                       dtype);
  c.measure([&] {
    if (pieces > 1) sum_columns(number, sums, in, partial, batch, rows, columns, 1, c.stream());
    sum_columns(pieces > 1 ? sums : number, number, pieces > 1 ? partial : in, y, batch,
                pieces > 1 ? pieces : rows, columns, divisor, c.stream());
  });
  Tensor expected = reference_sum(x, {batch, 1, columns}).reshape({batch, columns});
  for (int64_t i = 0; i < batch * columns; ++i) expected.data<double>()[i] /= divisor;
  return relative_error(c.download(y, {batch, columns}, dtype), expected);
}

/// x [N, ...]; low and high as the CPU finds them in the same numbers.
double run_min_max(CaseContext& c, const Tensor& x) {
  const int64_t items = x.dim(0), length = x.numel() / items;
  const DType compute = accumulator_of(x.dtype());
  const void* const in = c.upload(x);
  void *const low = fresh(c, items, x.dtype()), *const high = fresh(c, items, x.dtype());
  void* const scratch = c.fresh<char>(min_max_scratch(number_for(x.dtype()), items, length));
  StridedView item = view_of(x);
  for (int d = 0; d + 1 < item.rank; ++d)
    item.size[d] = item.size[d + 1], item.stride[d] = item.stride[d + 1];
  --item.rank;
  c.measure([&] { min_max(number_for(x.dtype()), in, item, items, low, high, scratch, c.stream()); });
  Tensor least = Tensor::empty({items}, compute), most = Tensor::empty({items}, compute);
  primitives::min_max(x.to(compute), least, most);
  const auto a = c.download(low, {items}, x.dtype()).to(DType::f64).to_vector<double>(),
             b = c.download(high, {items}, x.dtype()).to(DType::f64).to_vector<double>(),
             p = least.to(DType::f64).to_vector<double>(), q = most.to(DType::f64).to_vector<double>();
  return different_or_nan(a, p, "low") + different_or_nan(b, q, "high");
}

/// NaNs here and there, more in later items.
Tensor with_nans(const Shape& shape, Layout layout = Layout::contiguous) {
  Tensor x = random_tensor(shape, "NaNs", DType::f32, layout);
  const Random random(22, "places of NaNs");
  for (int64_t i = 0; i < x.numel(); ++i)
    if (random.uniform_double(uint64_t(i)) < 0.4 * double(i) / double(x.numel())) x.data<float>()[i] = NAN;
  return x;
}

double run_spread(CaseContext& c, const Shape& shape, DType dtype, Layout layout) {
  const int64_t n = shape[0], channels = shape[1], cells = shape[2] * shape[3];
  const Tensor dy = random_tensor({n, channels}, "means", dtype);
  const void* const in = c.upload(dy);
  void* const dx = fresh(c, shape.numel(), dtype);
  c.measure([&] {
    global_avg_pool_grad(number_for(dtype), in, dx, n, channels, cells, layout == Layout::channels_last,
                         c.stream());
  });
  Tensor expected = Tensor::empty(shape, accumulator_of(dtype));
  const ReferenceScope reference;
  primitives::global_avg_pool_grad(dy.to(accumulator_of(dtype)), expected);
  const Tensor got = c.download(dx, shape, dtype, layout).to(DType::f64).contiguous(),
               wanted = expected.to(dtype).to(DType::f64).contiguous();
  return different(got.to_vector<double>(), wanted.to_vector<double>());
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

void add_rows_of(std::vector<Case>& cases, DType dtype) {
  const double e = double(size_of(dtype)), s = double(size_of(accumulator_of(dtype)));
  const auto add = [&](int64_t n, int64_t length, double divisor) {
    cases.push_back(make_case(
        "sum_rows", std::string(name(dtype)) + " " + std::to_string(n) + "x" + std::to_string(length),
        "reductions_sums.cu", [=](CaseContext& c) { return run_rows(c, n, length, dtype, divisor); },
        tolerance_of(dtype)));
    cases.back().flops = double(n * length);
    cases.back().floor_read = double(n * length) * e;
    cases.back().floor_written = whole(double(n) * e);
  };
  // A block a row: 8 warps store their sums, one reads them; a sector for the result.
  add(6, 4096, 4096);
  cases.back().sectors = 6 * uint64_t(4096 * e / 32 + 1);
  cases.back().wavefronts = 6 * (8 + 1);
  // Rows of 49 begin anywhere in a sector: their two requests, of 32 and 17 numbers, touch a sector each more
  // than they fill. A warp stores one sum.
  add(37, 49, 1);
  cases.back().sectors = 37 * (sectors_of(32 * e) + sectors_of(17 * e) + 2 + 1);
  // 16 numbers in 128-bit loads: 4 lanes a row (f64: 8, f16: 2), 8 rows a warp (4, 16); whole sectors, and a
  // warp's sums lie in one.
  add(64, 16, 1);
  cases.back().sectors = uint64_t(64 * 16 * e / 32 + 64 * 16 * e / 512);
  cases.back().min_simt = 0.9;
  // Three pieces a row, of 16,384, 16,384 and 7,232 numbers, then rows of three sums.
  add(2, 40000, 40000);
  cases.back().sectors = uint64_t(2 * 40000 * e / 32) + 6 + 2 + 1;
  cases.back().wavefronts = 6 * (8 + 1);
  cases.back().floor_read += whole(6 * s);
  cases.back().floor_written += whole(6 * s);
  add(5, 0, 1);  // sums of nothing are 0
}

void add_columns_of(std::vector<Case>& cases, DType dtype) {
  const double e = double(size_of(dtype)), s = double(size_of(accumulator_of(dtype)));
  const auto add = [&](int64_t batch, int64_t n, int64_t columns, double divisor) {
    cases.push_back(make_case(
        "sum_columns",
        std::string(name(dtype)) + " " + std::to_string(batch) + "x" + std::to_string(n) + "x" +
            std::to_string(columns),
        "reductions_sums.cu",
        [=](CaseContext& c) { return run_columns(c, batch, n, columns, dtype, divisor); },
        tolerance_of(dtype)));
    cases.back().flops = double(batch * n * columns);
  };
  // Blocks of 32 columns x 8 rows; pieces of 256 and 44 rows; 3 blocks each. A block stores 8 x 32 sums in
  // shared memory and halves them three times (4 + 2 + 1 warps load and store). Then one block of 128 columns
  // x 2 rows stores 8 warps' sums and halves them once (3 warps hold columns, the fourth is loaded and stored
  // too). 8-byte lanes take two wavefronts each.
  add(1, 300, 96, 300);
  cases.back().sectors = uint64_t((300 * 96 * e + 2 * 192 * s + 96 * e) / 32);
  cases.back().wavefronts = uint64_t((6 * (8 + 14) + 8 + 8) * (s / 4));
  cases.back().floor_read = 300 * 96 * e + 192 * s;
  cases.back().floor_written = 96 * e + 192 * s;
  // Few rows: blocks of 128 columns, of which 70 are there, by 2 rows.
  add(3, 7, 70, 1);
  cases.back().floor_read = 3 * 7 * 70 * e;
  cases.back().floor_written = whole(3 * 70 * e);
  // Few columns: 4 lanes over columns, 64 over rows, pieces of 2,048 rows.
  add(2, 3000, 3, 1);
  add(2, 5, 1, 1);
  add(3, 0, 4, 1);  // sums of nothing are 0
}

void add_min_max_cases(std::vector<Case>& cases) {
  const auto add = [&](const std::string& text, const Tensor& x) {
    cases.push_back(make_case(
        "min_max", std::string(name(x.dtype())) + " " + text, "reductions_extremes.cu",
        [=](CaseContext& c) { return run_min_max(c, x); }, 0));
    cases.back().flops = 2 * double(x.numel());
    cases.back().floor_read = double(x.numel()) * double(size_of(x.dtype()));
  };
  for (const DType dtype : kFloating) {
    const double e = double(size_of(dtype));
    // A block an item: all its sectors, one for each result; three reductions of 8 + 1 shared accesses.
    add("4x8192", random_tensor({4, 8192}, "extremes", dtype));
    cases.back().sectors = uint64_t(4 * 8192 * e / 32 + 8);
    cases.back().wavefronts = 4 * 3 * 9;
    cases.back().floor_written = 64;
    add("9x3x5x7 channels-last", random_tensor({9, 3, 5, 7}, "extremes", dtype, Layout::channels_last));
    // Three pieces, then one block over their results.
    add("1x40000", random_tensor({1, 40000}, "extremes", dtype));
    cases.back().sectors = uint64_t(40000 * e / 32) + 3 * 2 + 2 + 2;
    cases.back().floor_read += whole(6 * e);
    cases.back().floor_written = whole(6 * e) + 64;
  }
  // Items of 1 to 9 numbers, NaNs in most: in row-major order whatever the memory order.
  for (int64_t length = 1; length < 10; ++length) {
    add("NaNs 60x" + std::to_string(length), with_nans({60, length}));
    cases.back().floor_read = 0;
  }
  add("NaNs 40x2x3x3 channels-last", with_nans({40, 2, 3, 3}, Layout::channels_last));
  Tensor large = random_tensor({2, 20001}, "NaNs");
  large.data<float>()[20001 + 17000] = NAN;
  add("one NaN in 2x20001", large);
  cases.back().floor_read = 0;
}

void add_spread_cases(std::vector<Case>& cases) {
  for (const DType dtype : kFloating)
    for (const Layout layout : {Layout::contiguous, Layout::channels_last}) {
      const bool last = layout == Layout::channels_last;
      const double e = double(size_of(dtype));
      const std::string type = std::string(name(dtype)) + (last ? " channels-last " : " ");
      const auto add = [&](const std::string& text, const Shape& shape) {
        cases.push_back(make_case(
            "global_avg_pool_grad", type + text, "pooling_spread.cu",
            [=](CaseContext& c) { return run_spread(c, shape, dtype, layout); }, 0));
        cases.back().flops = double(shape.numel());
        cases.back().floor_written = whole(double(shape.numel()) * e);
      };
      // A warp writes 16 sectors (4096 e / 512 warps). NCHW: its channels' numbers lie in one sector;
      // channels-last: it reads all 32, e sectors.
      add("2x32x8x8", {2, 32, 8, 8});
      cases.back().sectors = uint64_t(4096 * e / 512 * (16 + (last ? e : 1)));
      cases.back().floor_read = 64 * e;
      add("3x5x3x3", {3, 5, 3, 3});
    }
}

}  // namespace

void add_reductions_cases(std::vector<Case>& cases) {
  for (const DType dtype : kFloating) {
    add_rows_of(cases, dtype);
    add_columns_of(cases, dtype);
  }
  add_min_max_cases(cases);
  add_spread_cases(cases);
}

}  // namespace CAWE_DEVICE
