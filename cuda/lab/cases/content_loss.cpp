// SPDX-License-Identifier: Apache-2.0
// Content loss: the loss against a plain sum in f64, gradients bit by bit.
#include "cuda/kernels/content_loss.h"
#include "cuda/lab/cases/families.h"

namespace CAWE_DEVICE {
namespace {

constexpr double kScale = 2;

/// Map i of a case. Every eighth number of b is a's, so that some differences are 0.
struct Pair {
  Tensor a, b;
  double weight;
};
Pair pair(int i, int64_t n, DType dtype) {
  const Tensor a = random_tensor({n}, "content a" + std::to_string(i), DType::f64);
  const Tensor b = random_tensor({n}, "content b" + std::to_string(i), DType::f64);
  for (int64_t k = 0; k < n; k += 8) b.data<double>()[k] = a.data<double>()[k];
  return {a.to(dtype), b.to(dtype), double(i + 1) / double(n > 0 ? n : 1)};
}

/// Slopes are kScale times the weights; the slope is kept in f32 (f64 for f64) before it is rounded to the
/// maps' type.
Tensor expected_gradient(const Pair& m) {
  const auto a = m.a.to(DType::f64).to_vector<double>(), b = m.b.to(DType::f64).to_vector<double>();
  const double slope = m.a.dtype() == DType::f64 ? kScale * m.weight : double(float(kScale * m.weight));
  std::vector<double> grad;
  for (size_t i = 0; i < a.size(); ++i) grad.push_back(a[i] > b[i] ? slope : a[i] < b[i] ? -slope : 0);
  return Tensor::from(grad, m.a.shape()).to(m.a.dtype());
}

double expected_loss(const Pair& m) {
  const auto a = m.a.to(DType::f64).to_vector<double>(), b = m.b.to(DType::f64).to_vector<double>();
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::fabs(a[i] - b[i]);
  return m.weight * sum;
}

/// The loss' relative error, or 1 where a gradient differs or the ticket is not 0 again. Of map `without` no
/// gradient is asked.
double run(CaseContext& c, const std::vector<int64_t>& sizes, DType dtype, int without) {
  std::vector<Pair> pairs;
  ContentMaps maps{int(sizes.size()), {}};
  for (int i = 0; i < maps.count; ++i) {
    const int64_t n = sizes[size_t(i)];
    pairs.push_back(pair(i, n, dtype));
    void* grad = i == without ? nullptr : c.fresh<char>(n * int64_t(size_of(dtype)));
    maps.map[i] = {c.upload(pairs.back().a), c.upload(pairs.back().b),    grad, n,
                   pairs.back().weight,      kScale * pairs.back().weight};
  }
  const DType wide = dtype == DType::f64 ? DType::f64 : DType::f32;
  void* loss = c.fresh<char>(int64_t(size_of(wide)));
  void* scratch = c.fresh<char>(int64_t(content_loss_scratch(number_for(dtype), maps)));
  auto* ticket = c.upload(std::vector<uint32_t>{0});
  c.measure([&] { content_loss(number_for(dtype), maps, loss, scratch, ticket, c.stream()); });
  double expected = 0, wrong = different(c.download(ticket, 1), {0}, "ticket");
  for (int i = 0; i < maps.count; ++i) {
    expected += expected_loss(pairs[size_t(i)]);
    if (i == without) continue;
    const Tensor grad = c.download(maps.map[i].grad, {sizes[size_t(i)]}, dtype);
    wrong += different(grad.to(DType::f64).to_vector<double>(),
                       expected_gradient(pairs[size_t(i)]).to(DType::f64).to_vector<double>(),
                       "gradient of map " + std::to_string(i));
  }
  const double got = c.download(loss, {1}, wide).item();
  if (!std::isfinite(got)) return noted(1, 0, got, expected, "loss");
  if (!(wrong == 0)) return 1;
  return noted(std::fabs(got - expected) / std::max(expected, 1e-6), 0, got, expected, "loss");
}

Case make_case(const std::string& text, const std::vector<int64_t>& sizes, DType dtype, double tolerance,
               int without = -1) {
  Case r;
  r.name = "content_loss";
  r.shape = text;
  r.file = "cuda/kernels/content_loss.cu";
  r.run = [=](CaseContext& c) { return run(c, sizes, dtype, without); };
  r.tolerance = tolerance;
  const double e = double(size_of(dtype));
  for (size_t i = 0; i < sizes.size(); ++i) {
    r.floor_read += 2 * double(sizes[i]) * e;
    r.floor_written += int(i) == without ? 0 : double(sizes[i]) * e;
    r.flops += 4 * double(sizes[i]);
  }
  return r;
}

}  // namespace

void add_content_loss_cases(std::vector<Case>& cases) {
  // A block takes 4,096 numbers: 3 blocks and 1. Each stores a sum and takes a ticket; the last one puts the
  // ticket back, loads 4 sums (32 B) and stores the loss.
  cases.push_back(make_case("f32 12288 + 2048", {12288, 2048}, DType::f32, 1e-6));
  cases.back().sectors = 3 * 14336 * 4 / 32 + 2 * 4 + 3;
  // A block: 8 warps store sums and 1 loads them, 1 stores and 8 load the flag; the last one adds in f64:
  // again 8 stores, and 8 B for 8 of 32 lanes.
  cases.back().wavefronts = 4 * (8 + 1 + 1 + 8) + 8 + 1;
  cases.back().min_simt = 0.8;
  cases.push_back(make_case("f32 8 maps, one without gradient", {512, 1024, 4, 4096, 4100, 256, 0, 32},
                            DType::f32, 1e-6, 3));
  cases.push_back(make_case("f32 1005 + 451", {1005, 451}, DType::f32, 1e-6));
  cases.push_back(make_case("f16 8192 + 24", {8192, 24}, DType::f16, 1e-6));
  cases.push_back(make_case("bf16 1000", {1000}, DType::bf16, 1e-6));
  cases.push_back(make_case("f64 3000 + 2", {3000, 2}, DType::f64, 1e-14));
  cases.push_back(make_case("f32 nothing", {0}, DType::f32, 0));
  for (Case& r : cases)
    if (r.name == "content_loss") {
      // 8 B a block for its sum, the ticket, the loss.
      r.floor_read += 32;
      r.floor_written += 3 * 32;
    }
}

}  // namespace CAWE_DEVICE
