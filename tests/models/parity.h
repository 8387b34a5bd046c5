// SPDX-License-Identifier: Apache-2.0
// The rule by which scripts/goldens/models.py and the parity tests make the same weights and inputs from
// Philox, and the comparison with a golden file.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "models/detection.h"
#include "nn/module.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace cawe::models::testing {

constexpr uint64_t kSeed = 2026;

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

/// Lines "key number number ..."; keys may repeat.
class GoldenFile {
 public:
  explicit GoldenFile(const std::string& path) {
    std::ifstream in(path);
    EXPECT_TRUE(in.good()) << path << " cannot be read: run from the source folder";
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line);
      std::string key;
      words >> key;
      std::vector<double> values;
      for (double v; words >> v;) values.push_back(v);
      lines_.emplace(key, values);
    }
  }
  std::vector<double> numbers(const std::string& key) const {
    const auto found = lines_.find(key);
    EXPECT_NE(found, lines_.end()) << "no golden " << key;
    return found == lines_.end() ? std::vector<double>(64, NAN) : found->second;
  }
  std::vector<std::vector<double>> all(const std::string& key) const {
    std::vector<std::vector<double>> rows;
    const auto range = lines_.equal_range(key);
    for (auto it = range.first; it != range.second; ++it) rows.push_back(it->second);
    return rows;
  }
  size_t size() const { return lines_.size(); }

  /// Norm, three random projections and 16 values, all to `tolerance` of the tensor's norm (projections see
  /// every element) or of the larger of a value and the root mean square.
  void compare(const std::string& key, const Tensor& t, double tolerance = 1e-4) {
    const std::vector<double> g = numbers(key);
    ASSERT_EQ(double(t.numel()), g[0]) << key;
    const std::vector<double> x = t.to(DType::f64).to_vector<double>();
    double squares = 0;
    for (double v : x) squares += v * v;
    const double norm = std::sqrt(squares);
    EXPECT_NEAR(norm, g[1], tolerance * g[1]) << key;
    for (uint64_t a = 0; a < 3; ++a) {
      const Random random(kSeed, key, a + 1);
      double projection = 0;
      for (size_t i = 0; i < x.size(); ++i) projection += x[i] * (2.0 * double(random.uniform(i)) - 1.0);
      EXPECT_NEAR(projection, g[2 + a], tolerance * g[1]) << key << " projection " << a;
      worst_ = std::max(worst_, std::fabs(projection - g[2 + a]) / g[1]);
    }
    const Random random(kSeed, key);
    const double rms = g[1] / std::sqrt(g[0]);
    for (uint64_t i = 0; i < 16; ++i) {
      const double expected = g[5 + i];
      EXPECT_NEAR(x[random.bits(i) % x.size()], expected, tolerance * std::max(rms, std::fabs(expected)))
          << key << " sample " << i;
    }
  }
  /// Largest projected difference seen, relative to the norm.
  double worst() const { return worst_; }

 private:
  std::multimap<std::string, std::vector<double>> lines_;
  double worst_ = 0;
};

constexpr double tolerance(DType dtype) { return dtype == DType::f64 ? 1e-7 : 1e-4; }

inline void compare_gradients(GoldenFile& golden, const std::string& key, nn::Module& m, double within,
                              const std::vector<std::string>& names) {
  std::map<std::string, Variable*> parameters;
  for (auto& p : m.parameters()) parameters[p.name] = p.variable;
  for (const std::string& name : names) {
    ASSERT_EQ(parameters.count(name), 1u) << name;
    ASSERT_TRUE(parameters.at(name)->grad().defined()) << name;
    golden.compare(key + ".grad." + name, parameters.at(name)->grad(), within);
  }
}

/// Golden lines KEY.detection: image, box, score, label; at least `least` an image. Inputs are 256 pixels
/// wide.
inline void compare_detections(const GoldenFile& golden, const std::string& key, size_t least,
                               const std::vector<Detections>& found) {
  std::vector<size_t> next(found.size(), 0);
  for (const std::vector<double>& g : golden.all(key + ".detection")) {
    const size_t image = size_t(g[0]), k = next[image]++;
    ASSERT_LT(k, found[image].size());
    const Detection& d = found[image][k];
    EXPECT_NEAR(d.score, g[5], 1e-4 * g[5]) << "image " << image << " detection " << k;
    EXPECT_EQ(double(d.label), g[6]);
    for (const auto& [ours, theirs] :
         {std::pair<double, double>{d.box.x1, g[1]}, {d.box.y1, g[2]}, {d.box.x2, g[3]}, {d.box.y2, g[4]}})
      EXPECT_NEAR(ours, theirs, 1e-4 * 256) << "image " << image << " detection " << k;
  }
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_GE(next[i], least);
    EXPECT_EQ(found[i].size(), next[i]);
  }
}

}  // namespace cawe::models::testing
