// SPDX-License-Identifier: Apache-2.0
// The forms in which a detector is given the class-aware map: by the formulas, written out once more, and what each
// promises (nothing darkened, the film unchanged, an alpha for each film).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "models/enhance/fusion.h"
#include "tests/models/enhance_support.h"

namespace cawe::models {
namespace {

using testing::uniform;
using testing::with_classifier;
using Values = std::vector<float>;

TEST(Forms, LiftByHandAndNothingDarkened) {
  // 0.25 + 0.5 * 0.8 * 0.25 * 0.75 = 0.325
  EXPECT_NEAR(lift(Tensor::full({1, 1, 1, 1}, 0.25), Tensor::full({1, 1, 1, 1}, 0.8), 0.5).item(), 0.325,
              1e-7);
  const Tensor image = uniform({2, 3, 9, 7}, "image"), map = uniform({2, 1, 9, 7}, "map");
  const Values in = image.to_vector<float>(), l = map.to_vector<float>(),
               out = lift(image, map, 0.3).to_vector<float>();
  for (size_t i = 0; i < in.size(); ++i) {
    const double v = in[i], m = l[i / 189 * 63 + i % 63];
    ASSERT_GE(out[i], in[i]) << i;
    ASSERT_LE(out[i], 1) << i;
    ASSERT_NEAR(out[i], v + 0.7 * m * v * (1 - v), 1e-6) << i;
  }
  EXPECT_EQ(lift(image, map, 1).to_vector<float>(), in);
  for (const double end : {0.0, 1.0})
    EXPECT_EQ(lift(Tensor::full({1, 1, 1, 1}, end), Tensor::full({1, 1, 1, 1}, 1), 0).item(), end);
  EXPECT_THROW(lift(image, map, 1.5), Error);
  EXPECT_THROW(lift(Tensor::full({1, 1, 2, 2}, -0.5), Tensor::full({1, 1, 2, 2}, 1), 0.5), Error);
}

TEST(Forms, TheMapAsThirdChannelLeavesTheFilm) {
  const Tensor film = uniform({2, 1, 5, 4}, "film"), map = uniform({2, 1, 5, 4}, "map");
  const Tensor out = map_as_channel(film, map);
  ASSERT_EQ(out.shape(), (Shape{2, 3, 5, 4}));
  const Values f = film.to_vector<float>(), l = map.to_vector<float>(), y = out.to_vector<float>();
  for (size_t n = 0; n < 2; ++n)
    for (size_t i = 0; i < 20; ++i) {
      EXPECT_EQ(y[60 * n + i], f[20 * n + i]);
      EXPECT_EQ(y[60 * n + 20 + i], f[20 * n + i]);
      EXPECT_EQ(y[60 * n + 40 + i], l[20 * n + i]);
    }
  EXPECT_THROW(map_as_channel(uniform({2, 3, 5, 4}, "colour"), map), Error);
}

TEST(Forms, EachUsesTheMapOfCawe) {
  const EnhancerOptions options = with_classifier();
  const Tensor film = uniform({2, 1, 80, 72}, "film");
  const Tensor map = make_enhancer("cawe", options)->map(film);
  const std::pair<const char*, Tensor> wanted[] = {{"cawe", fuse(film, map, 0.5)},
                                                   {"cawe-lift", lift(film, map, 0.5)},
                                                   {"cawe-channel", map_as_channel(film, map)},
                                                   {"cawe-drawn", fuse(film, map, 0.5)}};
  std::set<std::string> settings;
  for (const auto& [name, picture] : wanted) {
    const auto enhancer = make_enhancer(name, options);
    EXPECT_EQ(enhancer->apply(film).to_vector<float>(), picture.to_vector<float>()) << name;
    EXPECT_EQ(enhancer->map(film).to_vector<float>(), map.to_vector<float>()) << name;
    EXPECT_TRUE(settings.insert(enhancer->settings()).second) << name << ": settings of another form";
  }
}

TEST(Forms, AnotherMapInPlaceOfTheFilmsOwn) {
  const EnhancerOptions options = with_classifier();
  const Tensor film = uniform({1, 1, 64, 64}, "film"), other = uniform({1, 1, 64, 64}, "another map");
  EXPECT_EQ(make_enhancer("cawe", options)->with_map(film, other).to_vector<float>(),
            fuse(film, other, 0.5).to_vector<float>());
  EXPECT_EQ(make_enhancer("cawe-lift", options)->with_map(film, other).to_vector<float>(),
            lift(film, other, 0.5).to_vector<float>());
  try {
    make_enhancer("clahe", options)->with_map(film, other);
    FAIL() << "CLAHE fused a map";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::usage);
  }
}

/// (I_en / I - L) / (1 - L) where L is small enough: alpha.
double alpha_of(const Tensor& film, const Tensor& map, const Tensor& fused, int64_t n) {
  const Values i = film.slice(0, n, n + 1).to_vector<float>(), l = map.slice(0, n, n + 1).to_vector<float>(),
               y = fused.slice(0, n, n + 1).to_vector<float>();
  double sum = 0, count = 0;
  for (size_t k = 0; k < i.size(); ++k)
    if (i[k] > 0.2f && l[k] < 0.5f) {
      sum += (double(y[k]) / i[k] - l[k]) / (1 - double(l[k]));
      ++count;
    }
  return sum / count;
}

TEST(Forms, TrainingFilmsDrawTheirOwnAlpha) {
  EnhancerOptions options = with_classifier();
  options.alpha = 0.4;
  options.values.set("cawe-drawn.low", 0.6);
  options.values.set("cawe-drawn.high", 0.9);
  const auto tested = make_enhancer("cawe-drawn", options);
  const auto trains = tested->in_training(5), again = tested->in_training(5), other = tested->in_training(6);
  ASSERT_TRUE(trains);
  const Tensor film = uniform({6, 1, 64, 64}, "film"), map = tested->map(film);
  const Tensor fused = trains->apply(film);
  std::set<int> drawn;
  for (int64_t n = 0; n < 6; ++n) {
    EXPECT_NEAR(alpha_of(film, map, tested->apply(film), n), 0.4, 1e-4);
    const double alpha = alpha_of(film, map, fused, n);
    EXPECT_GE(alpha, 0.6 - 1e-4);
    EXPECT_LE(alpha, 0.9 + 1e-4);
    drawn.insert(int(std::lround(1e4 * alpha)));
    // A film's alpha is its own, whatever batch it comes in.
    EXPECT_EQ(trains->apply(film.slice(0, n, n + 1)).to_vector<float>(),
              fused.slice(0, n, n + 1).to_vector<float>());
  }
  EXPECT_EQ(drawn.size(), 6u);
  EXPECT_EQ(again->apply(film).to_vector<float>(), fused.to_vector<float>());
  EXPECT_NE(other->apply(film).to_vector<float>(), fused.to_vector<float>());
  EXPECT_NE(trains->settings(), tested->settings());  // a cache must not mix them up
  EXPECT_NE(trains->settings(), other->settings());
  EXPECT_FALSE(make_enhancer("cawe", options)->in_training(5));
  options.values.set("cawe-drawn.low", 0.95);
  EXPECT_THROW(make_enhancer("cawe-drawn", options), Error);
}

}  // namespace
}  // namespace cawe::models
