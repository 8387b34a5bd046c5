// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/batch_norm_coefficients.h"
#include "cuda/lab/cases/families.h"
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
}

}  // namespace CAWE_DEVICE
