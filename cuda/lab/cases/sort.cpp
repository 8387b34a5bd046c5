// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/sort.h"

#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/detection.h"

namespace CAWE_DEVICE {
namespace {

/// Numbers with many ties: halves between -8 and 8, both zeros.
template <class T>
std::vector<T> halves(int64_t n, const char* purpose) {
  Random random(21, purpose);
  std::vector<T> x;
  for (int64_t i = 0; i < n; ++i) {
    const auto k = int64_t(random.next_below(33)) - 16;
    x.push_back(k == 0 && i % 2 == 0 ? -T(0) : T(k) / 2);
  }
  return x;
}

template <class T>
std::vector<T> normals(int64_t n, const char* purpose) {
  const Random random(21, purpose);
  std::vector<T> x;
  for (int64_t i = 0; i < n; ++i) x.push_back(T(random.normal(uint64_t(i))));
  return x;
}

/// The reference's order of x[begin, begin + size) as positions in x, filled up with -1.
template <class T>
std::vector<int64_t> reference_order(const std::vector<T>& x, int64_t begin, int64_t size, int64_t longest) {
  const ReferenceScope reference;
  std::vector<T> part(x.begin() + begin, x.begin() + begin + size);
  Tensor chosen = Tensor::empty({1, size}, DType::i64);
  primitives::top_k(Tensor::from(part, {1, size}), {size}, size, chosen);
  std::vector<int64_t> order = chosen.to_vector<int64_t>();
  for (int64_t& i : order) i += begin;
  order.resize(size_t(longest), -1);
  return order;
}

/// One segment.
template <class T>
double run(CaseContext& c, const std::vector<T>& x) {
  const Number number = sizeof(T) == 8 ? Number::f64 : Number::f32;
  const auto n = int64_t(x.size());
  const Segments segments{1, n, nullptr, nullptr};
  const T* in = c.upload(x);
  auto* order = c.fresh<int64_t>(n);
  void* scratch = c.fresh<char>(int64_t(argsort_scratch(number, segments)));
  c.measure([&] { argsort_descending(number, in, segments, order, scratch, c.stream()); });
  return different(c.download(order, n), reference_order(x, 0, n, n));
}

/// Segments of several sizes, with gaps between them, whose sizes lie on the device.
template <class T>
double run_ragged(CaseContext& c, const std::vector<int64_t>& sizes, int64_t longest) {
  const Number number = sizeof(T) == 8 ? Number::f64 : Number::f32;
  std::vector<int64_t> begins;
  int64_t n = 5;
  for (const int64_t size : sizes) {
    begins.push_back(n);
    n += size + 3;
  }
  const std::vector<T> x = halves<T>(n, "ragged");
  const auto count = int64_t(sizes.size());
  const Segments segments{count, longest, c.upload(begins), c.upload(sizes)};
  const T* in = c.upload(x);
  auto* order = c.fresh<int64_t>(count * longest);
  void* scratch = c.fresh<char>(int64_t(argsort_scratch(number, segments)));
  c.measure([&] { argsort_descending(number, in, segments, order, scratch, c.stream()); });
  std::vector<int64_t> expected;
  for (size_t s = 0; s < sizes.size(); ++s) {
    const std::vector<int64_t> one = reference_order(x, begins[s], sizes[s], longest);
    expected.insert(expected.end(), one.begin(), one.end());
  }
  return different(c.download(order, count * longest), expected);
}

/// NaN behind minus infinity, in the order of their positions.
double run_special(CaseContext& c) {
  const float nan = NAN, infinity = INFINITY;
  const std::vector<float> x{nan, -infinity, 0.f, -0.f, infinity, -nan, 1e-45f, -1e-45f, 3e38f, -3e38f};
  const std::vector<int64_t> expected{4, 8, 6, 2, 3, 7, 9, 1, 0, 5};
  const Segments segments{1, 10, nullptr, nullptr};
  const float* in = c.upload(x);
  auto* order = c.fresh<int64_t>(10);
  c.measure([&] { argsort_descending(Number::f32, in, segments, order, nullptr, c.stream()); });
  return different(c.download(order, 10), expected);
}

/// Row numbers below `rows`, some outside.
double run_rows(CaseContext& c, int64_t n, int64_t rows) {
  Random random(21, "row numbers");
  std::vector<int64_t> index;
  for (int64_t i = 0; i < n; ++i) index.push_back(int64_t(random.next_below(uint64_t(rows) + 2)) - 1);
  const int64_t* in = c.upload(index);
  auto* order = c.fresh<int64_t>(n);
  void* scratch = c.fresh<char>(int64_t(argsort_rows_scratch(n)));
  c.measure([&] { argsort_rows(in, n, rows, order, scratch, c.stream()); });
  std::vector<int64_t> expected(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) expected[size_t(i)] = i;
  const auto key = [&](int64_t i) { return index[size_t(i)] < 0 ? rows : index[size_t(i)]; };
  std::stable_sort(expected.begin(), expected.end(), [&](int64_t a, int64_t b) { return key(a) < key(b); });
  return different(c.download(order, n), expected);
}

Case make_case(const std::string& shape, std::function<double(CaseContext&)> run) {
  Case r;
  r.name = "argsort";
  r.shape = shape;
  r.file = "cuda/kernels/sort.cu";
  r.run = std::move(run);
  return r;
}

}  // namespace

void add_sort_cases(std::vector<Case>& cases) {
  cases.push_back(make_case("f32 10 special", run_special));
  cases.push_back(make_case("f32 1", [](CaseContext& c) { return run(c, std::vector<float>{3.f}); }));
  // In shared memory once for each distance of 32 and more: 1, 2, 3 and 4 times for lists of 64, 128, 256 and
  // 512. 16 warps each write and read keys and positions: 4 wavefronts. 2,048 B in, 4,096 B out.
  cases.push_back(make_case("f32 512", [](CaseContext& c) { return run(c, normals<float>(512, "sort")); }));
  cases.back().wavefronts = (1 + 2 + 3 + 4) * 16 * 4;
  cases.back().sectors = sectors_of(512 * 4) + sectors_of(512 * 8);
  cases.back().floor_read = 512 * 4;
  cases.back().floor_written = 512 * 8;
  cases.push_back(
      make_case("f32 1500 ties", [](CaseContext& c) { return run(c, halves<float>(1500, "sort")); }));
  cases.push_back(
      make_case("f64 700 ties", [](CaseContext& c) { return run(c, halves<double>(700, "sort")); }));
  cases.push_back(
      make_case("f64 1100", [](CaseContext& c) { return run(c, normals<double>(1100, "sort")); }));
  cases.push_back(make_case("f32 ragged", [](CaseContext& c) {
    return run_ragged<float>(c, {70, 0, 100, 33, 1}, 100);
  }));

  // Radix on equal numbers, which stay where they are: 5,000 keys are 625 sectors, 3 tiles of counters 96.
  // A pass: count (keys; counters), begins (counters twice, written once), scatter (keys; positions but in
  // the first pass; one word for each of the 157 warps' stores; both out: 1,250, or 8 B of order in the
  // last).
  cases.push_back(
      make_case("f32 5000 equal", [](CaseContext& c) { return run(c, std::vector<float>(5000, 2.f)); }));
  cases.back().sectors = 4 * (625 + 96 + 3 * 96 + 625 + 157 + 1250) + 3 * 625;
  cases.push_back(
      make_case("f32 4100", [](CaseContext& c) { return run(c, normals<float>(4100, "radix")); }));
  cases.push_back(
      make_case("f64 2100 ties", [](CaseContext& c) { return run(c, halves<double>(2100, "radix")); }));
  cases.push_back(make_case("f32 radix ragged", [](CaseContext& c) {
    return run_ragged<float>(c, {2100, 0, 17, 40}, 2100);
  }));
  cases.push_back(make_case("rows 900 of 50", [](CaseContext& c) { return run_rows(c, 900, 50); }));
  cases.push_back(make_case("rows 3000 of 70000", [](CaseContext& c) { return run_rows(c, 3000, 70000); }));
}

}  // namespace CAWE_DEVICE
