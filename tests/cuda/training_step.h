// SPDX-License-Identifier: Apache-2.0
// What the tests of whole steps on the device share: inputs, the same weights on both devices, comparisons.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include "autograd/operator_table.h"
#include "nn/module.h"
#include "tensor/random.h"
#include "tests/cuda/device.h"

namespace cawe {

/// Uniform in [-0.5, 0.5); images lie channels-last.
inline Tensor noise(const Shape& shape, const char* purpose, DType dtype) {
  const Random random(5, purpose);
  std::vector<float> v;
  for (int64_t i = 0; i < shape.numel(); ++i) v.push_back(random.uniform(uint64_t(i)) - 0.5f);
  const Tensor t = Tensor::from(v, shape).to(dtype);
  return shape.rank() == 4 ? t.channels_last() : t;
}

/// One step of SGD with momentum on every parameter that has a gradient.
inline void sgd_step(nn::Module& net) {
  for (auto& p : net.parameters()) {
    if (!p.variable->grad().defined()) continue;
    Tensor value = p.variable->value(), velocity = Tensor::like(value);
    velocity.fill(0);
    backend(value.device()).sgd_step(value, p.variable->grad(), velocity, {0.1, 0.9, 1e-4, true});
  }
}

/// Largest difference over largest value of each gradient, each parameter after the step and each buffer.
inline void expect_same_step(nn::Module& cpu, nn::Module& device, double gradient_bar, double state_bar) {
  const auto a = cpu.parameters(), b = device.parameters();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    const Tensor &g = a[i].variable->grad(), &h = b[i].variable->grad();
    ASSERT_EQ(g.defined(), h.defined()) << a[i].name;
    if (g.defined()) {
      EXPECT_LE(relative_difference(h, g), gradient_bar) << a[i].name;
    }
  }
  sgd_step(cpu);
  sgd_step(device);
  const auto before = cpu.state(), after = device.state();
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_LE(relative_difference(after[i].second, before[i].second), state_bar) << before[i].first;
  }
}

/// What `from` holds, in `dtype` on the device.
inline void same_weights(nn::Module& from, nn::Module& to, DType dtype) {
  from.to(dtype);
  to.to(dtype);
  to.to(kDevice);
  const auto a = from.state(), b = to.state();
  for (size_t i = 0; i < a.size(); ++i) Tensor(b[i].second).copy_from(a[i].second);
}

/// Both as initialised.
inline void fresh_weights(nn::Module& cpu, nn::Module& device, DType dtype) {
  cpu.initialise(3);
  same_weights(cpu, device, dtype);
}

/// Norm of the difference of all gradients over their norm, in f64. In f32 a ReLU within rounding of its kink
/// may flip deep down: there the norms are compared, and each value in f64.
inline void expect_gradients_alike(nn::Module& cpu, nn::Module& device, double bar) {
  const auto a = cpu.parameters(), b = device.parameters();
  ASSERT_EQ(a.size(), b.size());
  double difference = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].variable->grad().defined(), b[i].variable->grad().defined()) << a[i].name;
    if (!a[i].variable->grad().defined()) continue;
    const auto g = a[i].variable->grad().to(DType::f64).to_vector<double>(),
               h = b[i].variable->grad().to(Device::cpu).to(DType::f64).to_vector<double>();
    for (size_t k = 0; k < g.size(); ++k) {
      difference += (h[k] - g[k]) * (h[k] - g[k]);
      norm += g[k] * g[k];
    }
  }
  EXPECT_GT(norm, 0);
  EXPECT_LE(std::sqrt(difference / norm), bar);
}

}  // namespace cawe
