// SPDX-License-Identifier: Apache-2.0
// Localisation figures by hand, and maps without information.
#include "eval/localisation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/error.h"
#include "tensor/random.h"

namespace cawe::eval {
namespace {

// A map of 2 x 2 cells over 20 x 20 pixels; the box covers a quarter of each.
TEST(MeanInside, WeighsCellsByTheirCover) {
  MapSample s;
  s.rows = s.columns = 2;
  s.map = {0, 1, 2, 3};
  s.width = s.height = 20;
  EXPECT_DOUBLE_EQ(mean_inside(s, {5, 5, 15, 15}), 1.5);
  EXPECT_DOUBLE_EQ(mean_inside(s, {0, 0, 20, 5}), 0.5);
  EXPECT_NEAR(mean_inside(s, {8, 0, 20, 10}), (2 * 0.0 + 10 * 1.0) / 12, 1e-6);
  EXPECT_TRUE(std::isnan(mean_inside(s, {30, 30, 40, 40})));
}

TEST(Localisation, FiguresByHand) {
  // 2 x 2 cells over 8 x 8 pixels; the box covers the upper left cell and half of the upper right one.
  MapSample s{"p", "a", 2, 2, {4, 2, 1, 1}, 8, 8, {{0, 0, 6, 4}}};
  const MapFigures f = map_figures(s);
  EXPECT_DOUBLE_EQ(f.pointing, 1);
  EXPECT_DOUBLE_EQ(f.energy, (4 + .5 * 2) / 8);
  EXPECT_DOUBLE_EQ(box_area_share(s), 24.0 / 64);
  s.map = {1, 1, 1, 5};
  EXPECT_DOUBLE_EQ(map_figures(s).pointing, 0);
  s.map = {3, 1, 1, 3};  // two equal maxima, one of them inside
  EXPECT_DOUBLE_EQ(map_figures(s).pointing, .5);
  s.map = {0, 0, 0, 0};  // no energy: taken as uniform
  EXPECT_DOUBLE_EQ(map_figures(s).energy, 24.0 / 64);
  EXPECT_DOUBLE_EQ(map_figures(s).pointing, 24.0 / 64);
}

TEST(Localisation, OverlappingBoxesCountOnce) {
  const MapSample s{"p", "a", 1, 1, {1}, 10, 10, {{0, 0, 6, 6}, {2, 2, 8, 8}, {2, 2, 8, 8}}};
  EXPECT_DOUBLE_EQ(box_area_share(s), (36 + 36 - 16) / 100.0);
  EXPECT_NEAR(map_figures(s).energy, .56, 1e-7);
}

TEST(Localisation, AShuffledMapIsThatOfAnotherPerson) {
  // Every box is the left one of two cells. The maps of p (three films) point there, those of q (two films) do not.
  std::vector<MapSample> samples;
  for (const bool p : {true, true, false, true, false}) {
    MapSample s{p ? "p" : "q", "a", 1, 2, {1, 3}, 8, 4, {{0, 0, 4, 4}}};
    if (p) s.map = {3, 1};
    samples.push_back(s);
  }
  const LocalisationRow row = localisation(samples, 20)[0];
  EXPECT_DOUBLE_EQ(row.pointing.value, 3 / 5.0);
  EXPECT_DOUBLE_EQ(row.pointing_shuffled.value, 2 / 5.0);
  EXPECT_DOUBLE_EQ(row.energy_shuffled.value, (3 * .25 + 2 * .75) / 5);
}

TEST(Localisation, RefusesBadMaps) {
  EXPECT_THROW(map_figures({"p", "a", 1, 1, {-1}, 4, 4, {{0, 0, 1, 1}}}), Error);
  EXPECT_THROW(map_figures({"p", "a", 1, 2, {1}, 4, 4, {{0, 0, 1, 1}}}), Error);
  EXPECT_THROW(map_figures({"p", "a", 1, 1, {1}, 4, 4, {}}), Error);
  EXPECT_THROW(localisation({}), Error);
}

enum class Kind { right, random, centre };

std::vector<MapSample> made_up(Kind kind) {
  Random random(9, "test.localisation");
  std::vector<MapSample> samples;
  for (int i = 0; i < 80; ++i) {
    MapSample s{"p" + std::to_string(i / 2), i % 4 == 0 ? "mass" : "nodule", 8, 8, {}, 64, 64, {}};
    const double x = random.next_uniform(0, 44), y = random.next_uniform(0, 44);
    s.boxes = {{x, y, x + 20, y + 20}};
    for (int r = 0; r < 8; ++r)
      for (int c = 0; c < 8; ++c) {
        const double noise = random.next_uniform(0, 1);
        const double px = 8 * c + 4, py = 8 * r + 4;
        double value = noise;
        if (kind == Kind::right)
          value = noise + (std::abs(px - x - 10) < 10 && std::abs(py - y - 10) < 10 ? 1 : 0);
        if (kind == Kind::centre) value = .01 * noise + 100 - std::hypot(px - 32, py - 32);
        s.map.push_back(float(value));
      }
    samples.push_back(s);
  }
  return samples;
}

TEST(Localisation, VerdictsOnMadeUpMaps) {
  const auto right = localisation(made_up(Kind::right), 500);
  ASSERT_EQ(right.size(), 3u);
  EXPECT_EQ(right[0].label, "all");
  EXPECT_EQ(right[1].label, "mass");
  EXPECT_EQ(right[1].images, 20);
  EXPECT_EQ(right[0].patients, 40);
  EXPECT_EQ(right[0].verdict, MapVerdict::informative);
  EXPECT_GT(right[0].pointing.low, .9);
  EXPECT_NEAR(right[0].area.value, 400.0 / 4096, 1e-9);
  EXPECT_LT(right[0].pointing_over_shuffled.p, .01);
  EXPECT_EQ(localisation(made_up(Kind::random), 500)[0].verdict, MapVerdict::uninformative);
  EXPECT_NE(localisation(made_up(Kind::centre), 500)[0].verdict, MapVerdict::informative);
}

}  // namespace
}  // namespace cawe::eval
