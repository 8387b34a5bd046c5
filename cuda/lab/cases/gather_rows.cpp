// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/gather_rows.h"

#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/gather_rows.h"

namespace CAWE_DEVICE {
namespace {

/// Numbers below `rows`, every row a few times, in no order; where `outside`, some that are no row's.
std::vector<int64_t> row_numbers(int64_t n, int64_t rows, bool outside) {
  Random random(21, "gather");
  std::vector<int64_t> index;
  for (int64_t i = 0; i < n; ++i) index.push_back(int64_t(random.next_below(uint64_t(rows))));
  if (outside) index[1] = -1, index[size_t(n) / 2] = -2, index[size_t(n) - 1] = rows;
  return index;
}

/// Rows of `width` elements of Byte (an unsigned type: copies do not look at what they move).
template <class Byte>
double run_gather(CaseContext& c, int64_t rows, int64_t width, int64_t n) {
  const Random random(21, "rows");
  std::vector<Byte> x, expected;
  for (int64_t i = 0; i < rows * width; ++i) x.push_back(Byte(random.bits(uint64_t(i))));
  const std::vector<int64_t> index = row_numbers(n, rows, true);
  for (const int64_t r : index)
    for (int64_t i = 0; i < width; ++i)
      expected.push_back(r == -1 ? Byte(0) : r < 0 || r >= rows ? Byte(~Byte(0)) : x[size_t(r * width + i)]);
  const Byte* in = c.upload(x);
  const int64_t* numbers = c.upload(index);
  Byte* out = c.fresh<Byte>(n * width);
  c.measure([&] { gather_rows(in, rows, width * int64_t(sizeof(Byte)), numbers, n, out, c.stream()); });
  return different(c.download(out, n * width), expected);
}

/// Sums in f32 and f64 have to be the reference's bits; 16-bit ones its f32 sums, rounded.
double run_grad(CaseContext& c, int64_t n, int64_t rows, int64_t width, DType dtype,
                const std::vector<int64_t>& index) {
  const Tensor dy = random_tensor({n, width}, "dy", dtype);
  const DType sums = dtype == DType::f64 ? DType::f64 : DType::f32;
  Tensor expected = Tensor::empty({rows, width}, sums);
  std::vector<int64_t> kept;
  std::vector<Tensor> parts;
  for (int64_t k = 0; k < n; ++k)
    if (index[size_t(k)] >= 0 && index[size_t(k)] < rows) kept.push_back(k);
  Tensor dy_kept = Tensor::empty({int64_t(kept.size()), width}, sums);
  std::vector<int64_t> index_kept;
  for (const int64_t k : kept) {
    Tensor to = dy_kept.slice(0, int64_t(index_kept.size()), int64_t(index_kept.size()) + 1);
    to.copy_from(dy.slice(0, k, k + 1).to(sums));
    index_kept.push_back(index[size_t(k)]);
  }
  {
    const ReferenceScope reference;
    primitives::gather_rows_grad(dy_kept, Tensor::from(index_kept, {int64_t(kept.size())}), expected);
  }
  const Number number = dtype == DType::f64    ? Number::f64
                        : dtype == DType::f16  ? Number::f16
                        : dtype == DType::bf16 ? Number::bf16
                                               : Number::f32;
  const void* in = c.upload(dy);
  const int64_t* numbers = c.upload(index);
  void* out = c.fresh<char>(rows * width * int64_t(size_of(dtype)));
  void* scratch = c.fresh<char>(int64_t(gather_rows_grad_scratch(n)));
  c.measure([&] { gather_rows_grad(number, in, numbers, n, rows, width, out, scratch, c.stream()); });
  return different(c.download(out, {rows, width}, dtype).to(DType::f64).to_vector<double>(),
                   expected.to(dtype).to(DType::f64).to_vector<double>());
}

Case make_case(const std::string& name, const std::string& shape, std::function<double(CaseContext&)> run) {
  Case r;
  r.name = name;
  r.shape = shape;
  r.file = "cuda/kernels/gather_rows.cu";
  r.run = std::move(run);
  return r;
}

}  // namespace

void add_gather_rows_cases(std::vector<Case>& cases) {
  const auto gather_case = [&](const char* shape, std::function<double(CaseContext&)> run) {
    cases.push_back(make_case("gather_rows", shape, std::move(run)));
  };
  // Rows of 256 B: 8 sectors in (but for 2 numbers outside) and out; 16 lanes a row, so a warp's 2 numbers
  // are one sector.
  gather_case("16 B 300 of 200x64", [](CaseContext& c) { return run_gather<uint32_t>(c, 200, 64, 300); });
  cases.back().sectors = 298 * 8 + 300 * 8 + 150;
  cases.back().floor_written = 300 * 256;
  gather_case("8 B 70 of 9x6", [](CaseContext& c) { return run_gather<uint32_t>(c, 9, 6, 70); });
  gather_case("4 B 100 of 100x1", [](CaseContext& c) { return run_gather<uint32_t>(c, 100, 1, 100); });
  gather_case("2 B 40 of 30x301", [](CaseContext& c) { return run_gather<uint16_t>(c, 30, 301, 40); });
  gather_case("1 B 50 of 11x3", [](CaseContext& c) { return run_gather<uint8_t>(c, 11, 3, 50); });

  const auto grad_case = [&](const char* shape, int64_t n, int64_t height, int64_t width, DType dtype) {
    cases.push_back(make_case("gather_rows_grad", shape, [=](CaseContext& c) {
      return run_grad(c, n, height, width, dtype, row_numbers(n, height, true));
    }));
  };
  // k goes to row k mod 64, so rows get 3 or 4 of 200. Sorting reads and writes 1,600 B, zeros are 256
  // sectors. Each k: its place and number, but for the first those before; a row of dy (4 sectors). Each run
  // asks for the place and number of one more k than it has, but for the last. 64 rows of dx.
  std::vector<int64_t> in_turn;
  for (int64_t k = 0; k < 200; ++k) in_turn.push_back(k % 64);
  cases.push_back(make_case("gather_rows_grad", "f32 200 to 64x32",
                            [=](CaseContext& c) { return run_grad(c, 200, 64, 32, DType::f32, in_turn); }));
  cases.back().sectors = 2 * 50 + 256 + 2 * 200 + 2 * 199 + 200 * 4 + 2 * (200 + 63) + 64 * 4;
  grad_case("f32 300 to 20x1", 300, 20, 1, DType::f32);
  grad_case("f64 90 to 40x5", 90, 40, 5, DType::f64);
  grad_case("f16 60 to 7x33", 60, 7, 33, DType::f16);
  grad_case("bf16 50 to 60x300", 50, 60, 300, DType::bf16);
  grad_case("f32 2500 to 500x3", 2500, 500, 3, DType::f32);
}

}  // namespace CAWE_DEVICE
