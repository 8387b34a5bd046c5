// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/detection_top_k.h"

#include "cuda/kernels/reductions.h"
#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/detection.h"
#include "tensor/primitives/reductions.h"

namespace CAWE_DEVICE {
namespace {

enum class Kind { normal, ties, equal };

template <class T>
std::vector<T> numbers(int64_t n, Kind kind) {
  Random random(21, "top k");
  std::vector<T> x;
  for (int64_t i = 0; i < n; ++i)
    x.push_back(kind == Kind::normal ? T(random.next_normal())
                : kind == Kind::ties ? T(int64_t(random.next_below(9)) - 4) / 2
                                     : T(0.75));
  return x;
}

/// Segments of these sizes one behind the other; where there is only one, the regular form.
template <class T>
double run(CaseContext& c, const std::vector<int64_t>& sizes, int64_t k, Kind kind) {
  const Number number = sizeof(T) == 8 ? Number::f64 : Number::f32;
  std::vector<int64_t> begins;
  int64_t n = 0, longest = 0;
  for (const int64_t size : sizes) {
    begins.push_back(n);
    n += size;
    longest = std::max(longest, size);
  }
  const std::vector<T> x = numbers<T>(n, kind);
  const auto count = int64_t(sizes.size());
  Segments segments{count, longest, nullptr, nullptr};
  if (count > 1) segments = {count, longest, c.upload(begins), c.upload(sizes)};
  const T* in = c.upload(x);
  auto* out = c.fresh<int64_t>(count * k);
  void* scratch = c.fresh<char>(int64_t(top_k_scratch(number, segments, k)));
  c.measure([&] { top_k(number, in, segments, k, out, scratch, c.stream()); });
  std::vector<int64_t> expected;
  const ReferenceScope reference;
  for (size_t s = 0; s < sizes.size(); ++s) {
    const std::vector<T> part(x.begin() + begins[s], x.begin() + begins[s] + sizes[s]);
    Tensor chosen = Tensor::empty({1, k}, DType::i64);
    primitives::top_k(Tensor::from(part, {1, sizes[s]}), {sizes[s]}, k, chosen);
    for (const int64_t i : chosen.to_vector<int64_t>()) expected.push_back(i < 0 ? -1 : begins[s] + i);
  }
  return different(c.download(out, count * k), expected);
}

/// Rows cut into parts.
template <class T>
double run_parts(CaseContext& c, int64_t rows, const std::vector<int64_t>& sizes, int64_t k, Kind kind) {
  const Number number = sizeof(T) == 8 ? Number::f64 : Number::f32;
  Segments segments{rows * int64_t(sizes.size()), 0, nullptr, nullptr};
  segments.parts = int(sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    segments.end[i] = segments.width += sizes[i];
    segments.longest = std::max(segments.longest, sizes[i]);
  }
  const std::vector<T> x = numbers<T>(rows * segments.width, kind);
  const T* in = c.upload(x);
  auto* out = c.fresh<int64_t>(segments.count * k);
  void* scratch = c.fresh<char>(int64_t(top_k_scratch(number, segments, k)));
  c.measure([&] { top_k(number, in, segments, k, out, scratch, c.stream()); });
  const ReferenceScope reference;
  Tensor expected = Tensor::empty({rows, int64_t(sizes.size()) * k}, DType::i64);
  primitives::top_k(Tensor::from(x, {rows, segments.width}), sizes, k, expected);
  return different(c.download(out, segments.count * k), expected.to_vector<int64_t>());
}

/// Rows with ties, with a NaN in front, with one elsewhere and with nothing but minus infinity.
double run_argmax(CaseContext& c, int64_t rows, int64_t columns, DType dtype) {
  const Random random(21, "argmax");
  std::vector<float> x;
  for (int64_t i = 0; i < rows * columns; ++i) x.push_back(float(random.bits(uint64_t(i)) % 7) / 2);
  if (columns > 2 && rows > 4) {
    x[size_t(columns)] = NAN;
    x[size_t(2 * columns + 1)] = NAN;
    std::fill_n(x.begin() + 3 * columns, columns, -INFINITY);
  }
  Tensor t = Tensor::empty({rows, columns}, dtype), expected = Tensor::empty({rows}, DType::i64);
  t.copy_from(Tensor::from(x, {rows, columns}));
  const Number number = dtype == DType::f64    ? Number::f64
                        : dtype == DType::f16  ? Number::f16
                        : dtype == DType::bf16 ? Number::bf16
                                               : Number::f32;
  const void* in = c.upload(t);
  auto* index = c.fresh<int64_t>(rows);
  c.measure([&] { argmax_rows(number, in, rows, columns, index, c.stream()); });
  const ReferenceScope reference;
  primitives::argmax_rows(t.to(DType::f64), expected);
  return different(c.download(index, rows), expected.to_vector<int64_t>());
}

Case make_case(const std::string& name, const std::string& shape, std::function<double(CaseContext&)> run) {
  Case r;
  r.name = name;
  r.shape = shape;
  r.file = name == "top_k" ? "cuda/kernels/detection_top_k.cu" : "cuda/kernels/reductions_argmax.cu";
  r.run = std::move(run);
  return r;
}

template <class T>
Case top_case(const std::string& shape, const std::vector<int64_t>& sizes, int64_t k, Kind kind) {
  return make_case("top_k", shape, [=](CaseContext& c) { return run<T>(c, sizes, k, kind); });
}

}  // namespace

void add_detection_top_k_cases(std::vector<Case>& cases) {
  // Sorted in one block: each number once, 37 positions of 8 B.
  cases.push_back(top_case<float>("f32 1000 k 37", {1000}, 37, Kind::ties));
  cases.back().sectors = sectors_of(4000) + sectors_of(37 * 8);
  cases.back().floor_read = 4000;
  cases.push_back(top_case<double>("f64 200 k 200", {200}, 200, Kind::normal));
  // Equal numbers take every digit: 4 of the key and 2 of the position, then the gathering; 6,000 x 4 B are
  // 750 sectors each time. The beginning clears 6 x 256 counters (192 sectors), 6 tickets, a state and a
  // count. A digit: 4 words of state by 2 x 8 warps, 2 tickets, 256 counters read, 4 words written; 2 bins
  // added (3 sectors of bins for the high digit of positions, 256 bins by one block for the low one). The
  // gathering: 2 words of state by each warp, a place, 10 keys and positions, which the last kernel reads; it
  // writes 80 B.
  cases.push_back(top_case<float>("f32 6000 k 10 equal", {6000}, 10, Kind::equal));
  cases.back().sectors =
      7 * 750 + (192 + 6 + 5) + 6 * (64 + 2 + 32 + 4) + (4 * 2 + 3 + 32) + (32 + 1 + 4) + (4 + 3);
  cases.push_back(top_case<float>("f32 6000 k 100", {6000}, 100, Kind::normal));
  cases.push_back(top_case<float>("f32 ragged k 50", {2500, 0, 30, 5000, 50}, 50, Kind::ties));
  // The levels of three images, sorted in one block each, and selected from.
  cases.push_back(make_case("top_k", "f32 3x(300, 70, 9) k 40", [](CaseContext& c) {
    return run_parts<float>(c, 3, {300, 70, 9}, 40, Kind::ties);
  }));
  cases.push_back(make_case("top_k", "f64 2x(40, 3000, 700) k 60", [](CaseContext& c) {
    return run_parts<double>(c, 2, {40, 3000, 700}, 60, Kind::normal);
  }));
  cases.push_back(top_case<double>("f64 4200 k 300", {4200}, 300, Kind::normal));
  cases.push_back(top_case<double>("f64 2100 k 1500 ties", {2100}, 1500, Kind::ties));
  cases.push_back(top_case<float>("f32 ragged k 2055", {2100, 2060}, 2055, Kind::ties));

  // 40 rows of 100 numbers (400 B, 16-byte aligned: 12.5 sectors, 13 or 14 of them touched), 8 B of each
  // index.
  cases.push_back(make_case("argmax_rows", "f32 40x100",
                            [](CaseContext& c) { return run_argmax(c, 40, 100, DType::f32); }));
  cases.back().sectors = 20 * (3 * 4 + 1) + 20 * (3 * 5 + 1) + 40;
  cases.back().floor_read = 40 * 400;
  cases.push_back(
      make_case("argmax_rows", "f64 9x33", [](CaseContext& c) { return run_argmax(c, 9, 33, DType::f64); }));
  cases.push_back(
      make_case("argmax_rows", "f16 7x14", [](CaseContext& c) { return run_argmax(c, 7, 14, DType::f16); }));
  cases.push_back(
      make_case("argmax_rows", "bf16 5x1", [](CaseContext& c) { return run_argmax(c, 5, 1, DType::bf16); }));
}

}  // namespace CAWE_DEVICE
