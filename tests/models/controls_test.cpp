// SPDX-License-Identifier: Apache-2.0
// Control enhancers: each does its one part and leaves the other out.
#include "models/enhance/controls.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "models/enhance/fusion.h"
#include "tests/models/enhance_support.h"

namespace cawe::models {
namespace {

using testing::uniform;
using testing::with_classifier;

TEST(Uniform, DarkensByTheMeanOfTheMap) {
  const EnhancerOptions options = with_classifier();
  CaweEnhancer cawe(options);
  const auto control = make_enhancer("uniform", options);
  const Tensor films = uniform({2, 1, 80, 72}, "film");
  const std::vector<float> in = films.to_vector<float>(), out = control->apply(films).to_vector<float>(),
                           map = cawe.maps(films).map.to_vector<float>(),
                           flat = control->map(films).to_vector<float>();
  const size_t pixels = 80 * 72;
  for (size_t n = 0; n < 2; ++n) {
    double mean = 0;
    for (size_t i = 0; i < pixels; ++i) mean += double(map[n * pixels + i]) / double(pixels);
    EXPECT_GT(mean, 0.01) << "a map of nothing would test nothing";
    for (size_t i = n * pixels; i < (n + 1) * pixels; ++i) {
      EXPECT_NEAR(flat[i], mean, 1e-6);
      EXPECT_NEAR(out[i], in[i] * (0.5 + 0.5 * mean), 1e-6);
    }
  }
  EXPECT_NE(control->settings(), cawe.settings());
  EXPECT_THROW(make_enhancer("uniform", {}), Error) << "no classifier";
}

TEST(Centre, IsAGaussianBetweenNothingAndAll) {
  const int rows = 31, columns = 20;
  const double sigma = 0.3;
  const std::vector<float> map = centre_map(rows, columns, sigma).to_vector<float>();
  const auto gauss = [&](int y, int x) {
    const double u = (x + 0.5) / columns - 0.5, v = (y + 0.5) / rows - 0.5;
    return std::exp(-(u * u + v * v) / (2 * sigma * sigma));
  };
  const double low = gauss(0, 0), high = gauss(15, 10);
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x) {
      EXPECT_NEAR(map[size_t(y * columns + x)], (gauss(y, x) - low) / (high - low), 1e-6);
      EXPECT_EQ(map[size_t(y * columns + x)], map[size_t((rows - 1 - y) * columns + columns - 1 - x)]);
    }
  EXPECT_EQ(map[0], 0);
  EXPECT_EQ(map[15 * 20 + 10], 1);
  EXPECT_EQ(centre_map(1, 1, 0.2).item(), 1);
  EXPECT_EQ(centre_map(5, 4, 1000).to_vector<float>().size(), 20u);
  EXPECT_THROW(centre_map(3, 3, 0), Error);
}

TEST(Centre, FusesWithTheSameFormula) {
  EnhancerOptions options;
  options.alpha = 0.3;
  options.values.set("centre.sigma", 0.2);
  const Tensor film = uniform({2, 1, 24, 24}, "film");
  const auto control = make_enhancer("centre", options);
  const Tensor map = control->map(film);
  EXPECT_EQ(control->apply(film).to_vector<float>(), fuse(film, map, 0.3).to_vector<float>());
  EXPECT_EQ(control->settings(), "{\"method\":\"centre\",\"alpha\":0.3,\"sigma\":0.2}");
}

TEST(Colormap, KeepsLuminanceAndAddsHue) {
  std::vector<float> ramp;
  for (int i = 0; i <= 1000; ++i) ramp.push_back(float(i) / 1000);
  const std::vector<float> full = colour_mapped(Tensor::from(ramp, {1, 1, 7, 143}), 1).to_vector<float>();
  for (const double saturation : {0.0, 0.5, 1.0}) {
    const Tensor out = colour_mapped(Tensor::from(ramp, {1, 1, 7, 143}), saturation);
    ASSERT_EQ(out.shape(), (Shape{1, 3, 7, 143}));
    const std::vector<float> c = out.to_vector<float>();
    for (size_t i = 0; i < 1001; ++i) {
      EXPECT_NEAR(0.299 * c[i] + 0.587 * c[1001 + i] + 0.114 * c[2002 + i], ramp[i], 1e-6);
      for (size_t k = i; k < 3003; k += 1001) {
        EXPECT_GE(c[k], 0);
        EXPECT_LE(c[k], 1);
        EXPECT_NEAR(c[k] - ramp[i], saturation * (double(full[k]) - ramp[i]), 1e-6) << "hue in proportion";
      }
    }
  }
  EXPECT_NEAR(full[500], 0.5 + 0.25 / std::sqrt(1 + 0.299 * 0.299 / (0.701 * 0.701)), 1e-6);
}

TEST(Colormap, ByHand) {
  // g = 1/2: c = 0, d = 1, e = 1/4 / k with k = sqrt(1 + (0.299/0.701)^2) = 1.087168: red by e, the others by
  // -e 0.426534.
  const std::vector<float> c = colour_mapped(Tensor::full({1, 1, 1, 1}, 0.5), 1).to_vector<float>();
  const double e = 0.25 / 1.087168;
  EXPECT_NEAR(c[0], 0.5 + e, 1e-6);
  EXPECT_NEAR(c[1], 0.5 - e * 0.426534, 1e-6);
  EXPECT_NEAR(c[2], 0.5 - e * 0.426534, 1e-6);
  const std::vector<float> dark = colour_mapped(Tensor::full({1, 1, 1, 1}, 0.1), 1).to_vector<float>();
  EXPECT_GT(dark[2], dark[0]) << "dark is blue";
  const std::vector<float> light = colour_mapped(Tensor::full({1, 1, 1, 1}, 0.9), 1).to_vector<float>();
  EXPECT_LT(light[2], light[1]) << "bright is yellow";
  EXPECT_THROW(colour_mapped(Tensor::full({1, 1, 1, 1}, 1.5), 1), Error);
  EXPECT_THROW(colour_mapped(Tensor::full({1, 1, 1, 1}, 0.5), 2), Error);
}

TEST(Colormap, EachFilmInItsPlace) {
  const Tensor films = uniform({3, 1, 5, 6}, "films");
  const std::vector<float> all = colour_mapped(films, 1).to_vector<float>();
  for (int64_t n = 0; n < 3; ++n) {
    const std::vector<float> one = colour_mapped(films.slice(0, n, n + 1), 1).to_vector<float>();
    EXPECT_TRUE(std::equal(one.begin(), one.end(), all.begin() + n * 90)) << n;
  }
}

}  // namespace
}  // namespace cawe::models
