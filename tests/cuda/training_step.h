// SPDX-License-Identifier: Apache-2.0
// What the tests of whole steps on the device share: inputs, the same weights on both devices, comparisons.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "autograd/f32_bar.h"
#include "autograd/operator_table.h"
#include "nn/module.h"
#include "tensor/primitives/optimizers.h"
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
    primitives::sgd_step(value, p.variable->grad(), velocity, {0.1, 0.9, 1e-4, true});
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

using Numbers = std::vector<double>;

inline Numbers numbers_of(const Tensor& t) { return t.to(Device::cpu).to(DType::f64).to_vector<double>(); }

/// The gradients of all parameters that have one, one after the other.
inline Numbers gradients_of(nn::Module& net) {
  Numbers all;
  for (auto& p : net.parameters()) {
    if (!p.variable->grad().defined()) continue;
    const Numbers g = numbers_of(p.variable->grad());
    all.insert(all.end(), g.begin(), g.end());
  }
  return all;
}

inline double norm_of(const Numbers& x) {
  double squares = 0;
  for (const double v : x) squares += v * v;
  return std::sqrt(squares);
}

/// Euclidean; infinite where there are not equally many.
inline double distance(const Numbers& a, const Numbers& b) {
  if (a.size() != b.size()) return INFINITY;
  Numbers d(a.size());
  for (size_t i = 0; i < a.size(); ++i) d[i] = a[i] - b[i];
  return norm_of(d);
}

/// f32 on the device is judged by its distance from the f64 truth beside the CPU's own f32.
inline void expect_below(const std::string& what, double far, double bar, double scale) {
  EXPECT_LE(far, bar) << what << ": " << far / scale << " of its size from the truth";
  std::printf("[      f32 ] %.2f of the bar, %.1e from the truth: %s\n", far / bar, far / scale,
              what.c_str());
}

inline double farthest(const std::vector<Numbers>& peers, const Numbers& truth) {
  double peer = 0;
  for (const Numbers& p : peers) peer = std::max(peer, distance(p, truth));
  return peer;
}

inline void expect_f32(const std::string& what, const Numbers& ours, const Numbers& truth,
                       const std::vector<Numbers>& peers) {
  const double scale = norm_of(truth);
  EXPECT_GT(scale, 0) << what;
  expect_below(what, distance(ours, truth), f32_bar(farthest(peers, truth), scale), scale);
}

/// What a step computed: its losses by part, and all gradients.
struct Step {
  Numbers losses, gradients;
};

/// Losses are single numbers, which a peer may hit by luck: the farthest of any, relative, counts for all,
/// but no loss may be more than 1e-5 off. Gradients came through kinks.
inline void expect_f32_step(const Step& ours, const Step& truth, const std::vector<Step>& peers) {
  ASSERT_EQ(ours.losses.size(), truth.losses.size());
  double peer = 0;
  std::vector<Numbers> gradients;
  for (const Step& p : peers) {
    gradients.push_back(p.gradients);
    for (size_t i = 0; i < truth.losses.size(); ++i)
      peer = std::max(peer, std::fabs(p.losses.at(i) / truth.losses[i] - 1));
  }
  for (size_t i = 0; i < truth.losses.size(); ++i) {
    const double t = truth.losses[i], scale = std::fabs(t);
    EXPECT_GT(scale, 0) << "loss " << i;
    expect_below("loss " + std::to_string(i), std::fabs(ours.losses[i] - t),
                 scale * std::min(f32_bar(peer, 1), 1e-5), scale);
  }
  const double norm = norm_of(truth.gradients);
  expect_below("gradients", distance(ours.gradients, truth.gradients),
               f32_kink_bar(farthest(gradients, truth.gradients), norm), norm);
}

/// run(device, dtype) makes a Step. Two peers: oneDNN and the plain loops.
template <class Run>
void expect_f32_step(const Run& run) {
  const Step ours = run(kDevice, DType::f32), truth = run(Device::cpu, DType::f64),
             fast = run(Device::cpu, DType::f32);
  const ReferenceScope plain;
  expect_f32_step(ours, truth, {fast, run(Device::cpu, DType::f32)});
}

/// Norm of the difference of all gradients over their norm.
inline void expect_gradients_alike(nn::Module& cpu, nn::Module& device, double bar) {
  const Numbers truth = gradients_of(cpu);
  EXPECT_GT(norm_of(truth), 0);
  EXPECT_LE(distance(gradients_of(device), truth) / norm_of(truth), bar);
}

}  // namespace cawe
