// SPDX-License-Identifier: Apache-2.0
#include "cuda/lab/steps/predict.h"

#include <algorithm>

namespace cawe::gpu {
namespace {

struct Parts {
  double memory, products, least;
};

/// TFLOP/s of products of 16 bits: of tensor cores, else as in f32.
double narrow_peak(const Gpu& gpu, const Rates& r) {
  return gpu.tensor_tflops > 0 ? gpu.tensor_tflops * r.f16 : gpu.f32_tflops * r.f32;
}

/// Half of that: tensor cores take TF32 from sm_80 on.
double tf32_peak(const Gpu& gpu, const Rates& r) {
  return gpu.major >= 8 ? narrow_peak(gpu, r) / 2 : gpu.f32_tflops * r.f32;
}

Parts parts_of(const Gpu& gpu, const on_emulator::PrimitiveCount& p, const Rates& r) {
  return {p.bytes / (gpu.bandwidth_gbs * 1e6 * r.bandwidth),
          p.flops_32 / (gpu.f32_tflops * 1e9 * r.f32) + p.flops_tf32 / (tf32_peak(gpu, r) * 1e9) +
              p.flops_16 / (narrow_peak(gpu, r) * 1e9),
          double(p.launches() + p.vendor_calls) * r.least_us * 1e-3};
}

}  // namespace

double predicted_ms(const Gpu& gpu, const on_emulator::PrimitiveCount& p, const Rates& rates) {
  const Parts t = parts_of(gpu, p, rates);
  return std::max({t.memory, t.products, t.least});
}

StepPrediction predict(const Gpu& gpu, const on_emulator::StepCount& step, const Rates& rates) {
  StepPrediction sum;
  for (const on_emulator::PrimitiveCount& p : step.primitives) {
    const Parts t = parts_of(gpu, p, rates);
    const double longest = std::max({t.memory, t.products, t.least});
    (longest == t.products ? sum.products : longest == t.memory ? sum.memory : sum.small) += longest;
  }
  sum.host =
      1e-3 * (rates.launch_us * double(step.launches()) + rates.library_us * double(step.vendor_calls()));
  return sum;
}

double floor_bytes(const on_emulator::StepCount& step) {
  double bytes = 0;
  for (const on_emulator::PrimitiveCount& p : step.primitives)
    if (p.flops() > 0 || p.name == "sgd_steps" || p.name == "adam_steps") bytes += p.bytes;
  return bytes;
}

}  // namespace cawe::gpu
