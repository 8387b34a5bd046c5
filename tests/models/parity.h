// SPDX-License-Identifier: Apache-2.0
// The rule by which scripts/goldens/models.py and the parity tests make the same weights and inputs from
// Philox, and the comparison of gradients and detections with a golden file.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "nn/module.h"
#include "tensor/parallel.h"
#include "tests/models/golden_file.h"
#include "tests/models/matched_detections.h"

namespace cawe::models::testing {

inline bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// offset + factor * (2u - 1) with u the stream's uniform numbers.
inline void fill_spread(Tensor& t, const std::string& name, double offset, double factor) {
  const Random random(kSeed, name);
  float* p = t.data<float>();
  parallel_for(t.numel(), 16384, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      p[i] = float(offset + factor * (2.0 * double(random.uniform(uint64_t(i))) - 1.0));
  });
  t.storage().touch();
}

/// parity_values() of models.py.
inline std::map<std::string, Tensor> parity_weights(nn::Module& module) {
  std::map<std::string, Tensor> all;
  for (auto& [name, tensor] : module.state()) {
    if (tensor.dtype() != DType::f32) continue;
    Tensor t = Tensor::empty(tensor.shape());
    if (ends_with(name, "running_var") || (ends_with(name, "weight") && t.rank() == 1)) {
      fill_spread(t, name, 1.0, 0.25);
    } else if (ends_with(name, "cls_logits.bias")) {
      fill_spread(t, name, -3.0, 0.1);
    } else if (ends_with(name, "bias") || ends_with(name, "running_mean")) {
      fill_spread(t, name, 0.0, 0.1);
    } else {
      const double fan_in = double(t.numel() / t.dim(0));
      const bool cls = name.find("cls_logits") != std::string::npos;
      const double gain = cls ? 0.15 : name.find("bbox_") != std::string::npos ? 0.05 : 0.8;
      fill_spread(t, name, 0.0, gain * std::sqrt(6.0 / fan_in));
    }
    all[name] = t;
  }
  return all;
}

/// Values in [-1.5, 1.5), drawn in NCHW order.
inline Tensor parity_picture(const std::string& name, const Shape& shape) {
  Tensor t = Tensor::empty(shape);
  fill_spread(t, name, 0.0, 1.5);
  return t.channels_last();
}

/// Of f64; f32 is judged by its distance from that truth.
constexpr double kF64Tolerance = 1e-7;

/// `smooth`: names of parameters between which and the loss lies no kink.
inline void compare_gradients(GoldenFile& golden, const std::string& key, nn::Module& m,
                              const std::vector<std::string>& names,
                              const std::vector<std::string>& smooth = {}, double tolerance = kF64Tolerance) {
  std::map<std::string, Variable*> parameters;
  for (auto& p : m.parameters()) parameters[p.name] = p.variable;
  for (const std::string& name : names) {
    ASSERT_EQ(parameters.count(name), 1u) << name;
    ASSERT_TRUE(parameters.at(name)->grad().defined()) << name;
    const Tensor gradient = parameters.at(name)->grad();
    const bool kinks = std::find(smooth.begin(), smooth.end(), name) == smooth.end();
    if (gradient.dtype() == DType::f32 && kinks)
      golden.compare_through_kinks(key + ".grad." + name, gradient);
    else
      golden.compare(key + ".grad." + name, gradient, tolerance);
  }
}

/// Detections in f32 beside the golden's of f64; at least `least` an image. Inputs are 256 pixels wide.
inline void compare_detections(const GoldenFile& golden, const std::string& key, size_t least,
                               const std::vector<Detections>& found) {
  std::vector<Detections> truth(found.size());
  double largest = 0;
  for (const std::vector<double>& g : golden.all(key + ".detection")) {
    truth[size_t(g[0])].push_back(
        {{float(g[1]), float(g[2]), float(g[3]), float(g[4])}, float(g[5]), int64_t(g[6])});
    largest = std::max(largest, std::fabs(logit_of(truth[size_t(g[0])].back())));
  }
  const std::vector<double> peer = golden.numbers(key + ".detection.f32");
  const DetectionBars bars{f32_bar(peer[0], largest), f32_bar(peer[1], 256)};
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_GE(truth[i].size(), least);
    expect_same_detections(found[i], truth[i], bars, "image " + std::to_string(i));
  }
}

}  // namespace cawe::models::testing
