// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/batch_norm_coefficients.h"
#include "cuda/kernels/batch_norm.h"
#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/batch_norm.h"

namespace CAWE_DEVICE {
namespace {

/// All results beside each other: out [4, C], running mean, running variance.
template <class T>
double run(CaseContext& c, int64_t channels, DType dtype, bool training) {
  const double count = 200;
  Tensor x = random_tensor({1, channels, 10, 20}, "batch norm input", DType::f64),
         sums = Tensor::empty({2, channels}, DType::f64);
  primitives::channel_sums(x, sums);
  const Tensor w = random_tensor({channels}, "batch norm weight", dtype),
               b = random_tensor({channels}, "batch norm bias", dtype);
  Tensor mean = random_tensor({channels}, "running mean", dtype), var = Tensor::like(mean);
  var.fill(0.75);
  void *running_mean = c.upload(mean), *running_var = c.upload(var);
  const auto* on_device = static_cast<const double*>(c.upload(sums));
  const void *weight = c.upload(w), *bias = c.upload(b);
  T* out = c.fresh<T>(4 * channels);
  c.measure([&] {
    batch_norm_coefficients(dtype == DType::f64 ? Number::f64 : Number::f32, training ? on_device : nullptr,
                            count, weight, bias, 0.1, 1e-5, running_mean, running_var, out, channels,
                            c.stream());
  });
  Tensor expected = Tensor::empty({4, channels}, dtype);
  primitives::batch_norm_coefficients(training ? sums : Tensor(), count, w, b, 0.1, 1e-5, mean, var,
                                      expected);
  return different(c.download(out, 4 * channels), expected.to_vector<T>()) +
         different(c.download(static_cast<T*>(running_mean), channels), mean.to_vector<T>()) +
         different(c.download(static_cast<T*>(running_var), channels), var.to_vector<T>());
}

/// From the numbers themselves, in one launch: to the bit what sums and coefficients make in two, and near the CPU's.
template <class T>
double run_of_batch(CaseContext& c, const Shape& shape, DType dtype, Layout layout) {
  const int64_t channels = shape[1];
  const DType wide = accumulator_of(dtype);
  const Number number = number_for(dtype), of_vectors = number_for(wide);
  const ChannelShape sizes{shape[0], channels, shape[2] * shape[3], layout == Layout::channels_last};
  const Tensor x = random_tensor(shape, "batch norm input", dtype, layout),
               w = random_tensor({channels}, "batch norm weight", wide),
               b = random_tensor({channels}, "batch norm bias", wide);
  Tensor mean = random_tensor({channels}, "running mean", wide), var = Tensor::like(mean);
  var.fill(0.75);
  const SumScratch scratch{c.fresh<double>(channel_sums_scratch(number, sizes)),
                           c.upload(std::vector<uint32_t>(size_t(kSumTickets), 0))};
  const void *in = c.upload(x), *weight = c.upload(w), *bias = c.upload(b);
  struct Outputs {
    T *mean, *var, *out;
  };
  const auto outputs = [&] {
    return Outputs{static_cast<T*>(c.upload(mean)), static_cast<T*>(c.upload(var)), c.fresh<T>(4 * channels)};
  };
  const Outputs one = outputs(), two = outputs();
  c.measure([&] {
    channel_coefficients(number, sizes, in, {weight, bias, 0.1, 1e-5, one.mean, one.var, one.out}, scratch,
                         c.stream());
  });
  auto* sums = c.fresh<double>(2 * channels);
  const double count = double(shape.numel() / channels);
  c.compare([&] {
    channel_sums(number, sizes, in, scratch, sums, c.stream());
    batch_norm_coefficients(of_vectors, sums, count, weight, bias, 0.1, 1e-5, two.mean, two.var, two.out,
                            channels, c.stream());
  });
  if (different(c.download(one.out, 4 * channels), c.download(two.out, 4 * channels)) +
          different(c.download(one.mean, channels), c.download(two.mean, channels)) +
          different(c.download(one.var, channels), c.download(two.var, channels)) >
      0)
    return INFINITY;
  Tensor expected = Tensor::empty({4, channels}, DType::f64), m = mean.to(DType::f64), v = var.to(DType::f64);
  const ReferenceScope reference;
  primitives::batch_norm_train_coefficients(x.to(DType::f64), w.to(DType::f64), b.to(DType::f64), 0.1, 1e-5,
                                            m, v, expected);
  double error = std::max(relative_error(c.download(one.mean, {channels}, wide), m),
                          relative_error(c.download(one.var, {channels}, wide), v));
  for (int64_t row = 0; row < 4; ++row)
    error = std::max(error, relative_error(c.download(one.out + row * channels, {channels}, wide),
                                           expected.slice(0, row, row + 1).reshape({channels})));
  return error;
}

}  // namespace

void add_batch_norm_coefficients_cases(std::vector<Case>& cases) {
  const auto add = [&](const char* shape, std::function<double(CaseContext&)> run, double e, double channels,
                       bool training) {
    Case r;
    r.name = "batch_norm_coefficients";
    r.shape = shape;
    r.file = "cuda/kernels/batch_norm_coefficients.cu";
    r.run = std::move(run);
    r.floor_read = (training ? 16 : 0) * channels + 4 * e * channels;
    r.floor_written = (training ? 6 : 4) * e * channels;
    r.flops = 20 * channels;
    r.sectors = sectors_of(r.floor_read) + sectors_of(r.floor_written);
    cases.push_back(std::move(r));
  };
  add(
      "f32 C=256 training", [](CaseContext& c) { return run<float>(c, 256, DType::f32, true); }, 4, 256,
      true);
  add(
      "f32 C=256 evaluation", [](CaseContext& c) { return run<float>(c, 256, DType::f32, false); }, 4, 256,
      false);
  add(
      "f64 C=64 training", [](CaseContext& c) { return run<double>(c, 64, DType::f64, true); }, 8, 64, true);
  // `parts` by hand, as in batch_norm.cpp: 16 bytes a channel and part where there are several.
  const auto add_batch = [&](const char* text, const Shape& shape, DType dtype, Layout layout,
                             int64_t parts) {
    const bool f64 = dtype == DType::f64;
    const double vectors = (f64 ? 8.0 : 4.0) * double(shape[1]), n = double(shape.numel()),
                 partial = parts == 1 ? 0 : 16.0 * double(parts * shape[1]);
    Case r;
    r.name = layout == Layout::channels_last ? "channel_coefficients_nhwc" : "channel_coefficients";
    r.shape = text;
    r.file = "cuda/kernels/batch_norm_sums.cu";
    r.run = [=](CaseContext& c) {
      return f64 ? run_of_batch<double>(c, shape, dtype, layout)
                 : run_of_batch<float>(c, shape, dtype, layout);
    };
    r.tolerance = f64 ? 1e-13 : 2e-7;
    r.floor_read = n * double(size_of(dtype)) + 4 * vectors + partial;
    r.floor_written = 6 * vectors + partial + (parts == 1 ? 0 : 32);  // tickets are put back: a sector
    r.flops = 3 * n;
    r.unique_allowance = 1.05 + 32.0 * 4 / r.floor_written;
    r.reason = "vectors of few channels fill their last sector only in part";
    cases.push_back(std::move(r));
  };
  // Data 512 x 16 sectors, parts and tickets as channel_sums; 10 vectors of 512 B.
  add_batch("f32 2x128x16x16", {2, 128, 16, 16}, DType::f32, Layout::channels_last, 2);
  cases.back().sectors = 512 * 16 + 8 * 2 * 16 + 4 + 10 * 16;
  add_batch("bf16 2x64x30x30", {2, 64, 30, 30}, DType::bf16, Layout::channels_last, 8);
  add_batch("f16 2x32x9x9", {2, 32, 9, 9}, DType::f16, Layout::channels_last, 1);
  add_batch("f64 2x32x20x20", {2, 32, 20, 20}, DType::f64, Layout::channels_last, 4);
  add_batch("f32 8x2x64x64", {8, 2, 64, 64}, DType::f32, Layout::contiguous, 8);
}

}  // namespace CAWE_DEVICE
