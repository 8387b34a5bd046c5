// SPDX-License-Identifier: Apache-2.0
// Copies, arithmetic number by number, and sums: the families memory, elementwise and reductions; of content_loss,
// scale_each.
#include "bench/gpu_kernels/kernels.h"

namespace cawe::bench {
namespace {

/// Numbers of 256 MB.
int64_t numbers_of(DType dtype) { return (int64_t{1} << 28) / int64_t(size_of(dtype)); }

}  // namespace

void elementwise(Kernels& k, DType dtype) {
  const int64_t n = numbers_of(dtype);
  const Tensor x = k.numbers({n}, dtype), z = k.numbers({n}, dtype);
  Tensor y = k.numbers({n}, dtype);
  const auto what = [&](const char* op) { return words(op, name(dtype)); };
  k.measure(what("copy"), bytes_of(x, y), [&] { k.on.copy(x, y); });
  k.measure(what("fill"), bytes_of(y), [&] { k.on.fill(y, 1); });
  k.measure(what("unary affine"), bytes_of(x, y), [&] { k.on.unary(UnaryOp::affine, 2, 1, x, y); });
  k.measure(what("binary add"), bytes_of(x, z, y), [&] { k.on.binary(BinaryOp::add, x, z, y); });
  k.measure(what("accumulate"), bytes_of(x, y, y), [&] { k.on.accumulate(x, y); });
  k.measure(what("unary_grad sigmoid"), bytes_of(x, z, y),
            [&] { k.on.unary_grad(UnaryOp::sigmoid, 0, 0, x, x, z, y); });
  const DType other = dtype == DType::f32 ? DType::bf16 : DType::f32;
  Tensor converted = k.room({n}, other);
  k.measure(words("convert", name(dtype), "to", name(other)), bytes_of(x, converted),
            [&] { k.on.copy(x, converted); });
}

void reductions(Kernels& k, DType dtype) {
  const int64_t n = numbers_of(dtype);
  const Tensor x = k.numbers({n / 1024, 1024}, dtype), items = x.reshape({32, n / 32});
  Tensor of_columns = k.room({1024}, dtype), of_rows = k.room({n / 1024, 1}, dtype),
         best = k.room({n / 1024}, DType::i64), low = k.room({32}, dtype), high = k.room({32}, dtype);
  const auto what = [&](const char* op, const std::string& more) { return words(op, name(dtype), more); };
  k.measure(what("sum_to", "rows to 1024"), bytes_of(x), [&] { k.on.sum_to(x, of_columns); });
  k.measure(what("sum_to", detail::concat(n / 1024, " rows of 1024")), bytes_of(x, of_rows),
            [&] { k.on.sum_to(x, of_rows); });
  k.measure(what("argmax_rows", detail::concat(n / 1024, "x1024")), bytes_of(x, best),
            [&] { k.on.argmax_rows(x, best); });
  k.measure(what("min_max", "of 32 items"), bytes_of(x), [&] { k.on.min_max(items, low, high); });
}

/// What training does with all of a network's weights, and a loss with all of its slopes, in one launch.
void lists(Kernels& k) {
  constexpr int64_t kCount = 64, kEach = 1 << 20;
  const Tensor x = k.numbers({kCount * kEach}), y = k.room({kCount * kEach}, DType::bf16),
               one = Tensor::full({1}, 1, DType::f64).to(k.device());
  std::vector<Tensor> from, to;
  for (int64_t i = 0; i < kCount; ++i) {
    from.push_back(x.slice(0, i * kEach, (i + 1) * kEach));
    to.push_back(y.slice(0, i * kEach, (i + 1) * kEach));
  }
  k.measure("copy_list f32 to bf16 64 of 1M", bytes_of(x, y), [&] { k.on.copy_list(from, to); });
  const std::vector<double> factors(kCount, 0.5);
  k.measure("scale_each f32 64 of 1M", 2 * bytes_of(x), [&] { k.on.scale_each(factors, one, from); });
}

}  // namespace cawe::bench
