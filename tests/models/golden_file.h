// SPDX-License-Identifier: Apache-2.0
// PyTorch's numbers as scripts/goldens/golden.py writes them, and the comparison of ours with them: f64 to a
// stated tolerance, f32 by its distance from the f64 truth beside PyTorch's own (autograd/f32_bar.h).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "autograd/f32_bar.h"
#include "tensor/random.h"
#include "tensor/tensor.h"

namespace cawe::models::testing {

constexpr uint64_t kSeed = 2026;

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
  /// Says how near to its bar the farthest f32 number was.
  ~GoldenFile() {
    if (!nearest_.empty()) std::printf("[      f32 ] %.2f of the bar: %s\n", worst_, nearest_.c_str());
  }
  GoldenFile(const GoldenFile&) = delete;
  GoldenFile& operator=(const GoldenFile&) = delete;

  std::vector<double> numbers(const std::string& key) const {
    const auto found = lines_.find(key);
    EXPECT_NE(found, lines_.end()) << "no golden " << key;
    return found == lines_.end() ? std::vector<double>(64, NAN) : found->second;
  }
  /// Lines of a key that repeats.
  std::vector<std::vector<double>> all(const std::string& key) const {
    std::vector<std::vector<double>> rows;
    const auto range = lines_.equal_range(key);
    for (auto it = range.first; it != range.second; ++it) rows.push_back(it->second);
    return rows;
  }

  /// Norm, three random projections and 16 values. f64: all to `tolerance`, of the tensor's norm (projections
  /// see every element) or of the larger of a value and the root mean square. f32: norm and projections by
  /// PyTorch's Euclidean distance from the truth (a projection's factors are at most 1, the root of their
  /// mean square .58), values by its largest (of few numbers, by the Euclidean too).
  void compare(const std::string& key, const Tensor& t, double tolerance) {
    compare(key, t, t.dtype(), tolerance);
  }
  /// The same of numbers that were computed in another dtype than they lie in. f32_most: f32's bars are no
  /// wider than this, relative.
  void compare(const std::string& key, const Tensor& t, DType computed, double tolerance,
               double f32_most = INFINITY) {
    const std::vector<double> g = numbers(key);
    ASSERT_EQ(double(t.numel()), g[0]) << key;
    const bool f32 = computed == DType::f32;
    const std::vector<double> peer = f32 ? numbers(key + ".f32") : std::vector<double>{0, 0};
    const auto bar = [&](double of_peer, double scale) {
      return f32 ? std::min(f32_bar(of_peer, scale), f32_most * scale) : tolerance * scale;
    };
    const std::vector<double> x = t.to(DType::f64).to_vector<double>();
    compare_whole(key, x, g, bar(peer[0], g[1]), f32);
    const Random random(kSeed, key);
    const double rms = g[1] / std::sqrt(g[0]), of_one = peer[t.numel() > kFewNumbers ? 1 : 0];
    for (uint64_t i = 0; i < 16; ++i) {
      const double expected = g[5 + i], scale = std::max(rms, std::fabs(expected));
      near(x[random.bits(i) % x.size()], expected, bar(of_one, scale), f32,
           key + " value " + std::to_string(i));
    }
  }
  /// A gradient in f32 that came through kinks: norm and projections (f32_kink_bar()).
  void compare_through_kinks(const std::string& key, const Tensor& t) {
    const std::vector<double> g = numbers(key);
    ASSERT_EQ(double(t.numel()), g[0]) << key;
    compare_whole(key, t.to(DType::f64).to_vector<double>(), g, f32_kink_bar(numbers(key + ".f32")[0], g[1]),
                  true);
  }

  /// Number i of a key: in f64 to `tolerance` of it; in f32 by PyTorch's largest distance of any of the key's
  /// numbers, relative to it, since a single number may be right by luck.
  void compare_number(const std::string& key, size_t i, double ours, DType dtype, double tolerance) {
    const std::vector<double> all = numbers(key);
    const bool f32 = dtype == DType::f32;
    double bar = tolerance;
    if (f32) {
      const std::vector<double> far = numbers(key + ".f32");
      double peer = 0;
      for (size_t k = 0; k < all.size(); ++k) peer = std::max(peer, far[k] / std::fabs(all[k]));
      bar = f32_bar(peer, 1);
    }
    near(ours, all[i], bar * std::fabs(all[i]), f32, key + " " + std::to_string(i));
  }

 private:
  void compare_whole(const std::string& key, const std::vector<double>& x, const std::vector<double>& g,
                     double bar, bool f32) {
    double squares = 0;
    for (double v : x) squares += v * v;
    near(std::sqrt(squares), g[1], bar, f32, key + " norm");
    for (uint64_t a = 0; a < 3; ++a) {
      const Random random(kSeed, key, a + 1);
      double projection = 0;
      for (size_t i = 0; i < x.size(); ++i) projection += x[i] * (2.0 * double(random.uniform(i)) - 1.0);
      near(projection, g[2 + a], bar, f32, key + " projection " + std::to_string(a));
    }
  }

  void near(double ours, double expected, double bar, bool f32, const std::string& what) {
    EXPECT_NEAR(ours, expected, bar) << what;
    const double share = bar > 0 ? std::fabs(ours - expected) / bar : ours == expected ? 0 : INFINITY;
    if (!f32 || share < worst_) return;
    worst_ = share;
    nearest_ = what;
  }

  std::multimap<std::string, std::vector<double>> lines_;
  double worst_ = 0;
  std::string nearest_;
};

}  // namespace cawe::models::testing
