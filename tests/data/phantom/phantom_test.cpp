// SPDX-License-Identifier: Apache-2.0
// Phantoms: deterministic, with the stated shares and sizes, lesions where the boxes say, and readable again.
#include "data/phantom/chest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "data/hash.h"
#include "data/phantom/scenes.h"
#include "tensor/error.h"
#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

TEST(Phantom, SameArgumentsSameFilm) {
  const Chest a = make_chest({}, 3, 0), b = make_chest({}, 3, 0);
  EXPECT_EQ(a.image.pixels, b.image.pixels);
  EXPECT_EQ(a.boxes.size(), b.boxes.size());
  EXPECT_NE(make_chest({}, 4, 0).image.pixels, a.image.pixels);
  EXPECT_NE(make_chest({}, 3, 1).image.pixels, a.image.pixels);
  ChestOptions other;
  other.seed = 1;
  EXPECT_NE(make_chest(other, 3, 0).image.pixels, a.image.pixels);
}

double correlation(const FloatImage& a, const FloatImage& b) {
  double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
  const double n = double(a.pixels.size());
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    ma += a.pixels[i] / n;
    mb += b.pixels[i] / n;
  }
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    ab += (a.pixels[i] - ma) * (b.pixels[i] - mb);
    aa += (a.pixels[i] - ma) * (a.pixels[i] - ma);
    bb += (b.pixels[i] - mb) * (b.pixels[i] - mb);
  }
  return ab / std::sqrt(aa * bb);
}

TEST(Phantom, ViewsOfAPatientAreMoreAlikeThanPatients) {
  ChestOptions options;
  options.lesion_free = 1;
  double same = 0, different = 0;
  for (int64_t p = 0; p < 20; ++p) {
    const FloatImage first = make_chest(options, p, 0).image;
    same += correlation(first, make_chest(options, p, 1).image) / 20;
    different += correlation(first, make_chest(options, p + 100, 0).image) / 20;
  }
  EXPECT_GT(same, different);
}

TEST(Phantom, SharesSizesAndValues) {
  for (const Difficulty difficulty : {Difficulty::easy, Difficulty::hard}) {
    ChestOptions options;
    options.difficulty = difficulty;
    int free = 0, count = 0, kinds[3] = {0, 0, 0};
    std::vector<double> sides;
    for (int64_t i = 0; i < 300; ++i) {
      const Chest chest = make_chest(options, i, 0);
      ASSERT_EQ(chest.boxes.size(), chest.kinds.size());
      free += chest.boxes.empty();
      for (size_t k = 0; k < chest.boxes.size(); ++k) {
        const Box& box = chest.boxes[k];
        EXPECT_TRUE(box.x1 >= 0 && box.y1 >= 0 && box.x2 <= 128 && box.y2 <= 128);
        EXPECT_GE(std::min(box.width(), box.height()), 6.4f);
        sides.push_back(std::sqrt(box.area()));
        ++kinds[chest.kinds[k]];
        ++count;
      }
      for (const float v : chest.image.pixels) {
        ASSERT_TRUE(v >= 0 && v <= 1);
        ASSERT_EQ(std::round(v * 255) / 255, v) << "an 8-bit file keeps it";
      }
    }
    EXPECT_NEAR(free, 120, 26);            // 40 % of 300, three standard deviations
    EXPECT_NEAR(count / 180.0, 1.67, .2);  // .5 one, .33 two, .17 three
    for (const int kind : kinds) EXPECT_GT(kind, count / 6);
    std::sort(sides.begin(), sides.end());
    EXPECT_NEAR(sides[sides.size() / 2], 23.5, 3);  // the baseline's median is 23 px
  }
}

TEST(Phantom, LesionsAreBrighterThanTheSamePlaceWithoutThem) {
  ChestOptions with, without;
  with.lesion_free = 0;
  without.lesion_free = 1;
  double inside = 0, count = 0;
  for (int64_t i = 0; i < 30; ++i) {
    const Chest a = make_chest(with, i, 0);
    const Chest b = make_chest(without, i, 0);
    EXPECT_TRUE(b.boxes.empty());
    for (const Box& box : a.boxes)
      for (int y = int(box.y1); y < int(box.y2); ++y)
        for (int x = int(box.x1); x < int(box.x2); ++x) {
          inside += a.image.at(x, y) - b.image.at(x, y);
          ++count;
        }
  }
  EXPECT_GT(inside / count, 0.05);
}

TEST(Phantom, OtherSizesScaleWithThePicture) {
  ChestOptions options;
  options.size = 256;
  options.lesion_free = 0;
  std::vector<double> shares;
  for (int64_t i = 0; i < 40; ++i)
    for (const Box& box : make_chest(options, i, 0).boxes) shares.push_back(std::sqrt(box.area()) / 256);
  std::sort(shares.begin(), shares.end());
  EXPECT_NEAR(shares[shares.size() / 2], 23.5 / 128, 0.03);
  options.size = 15;
  EXPECT_THROW(make_chest(options, 0, 0), Error);
}

TEST(Phantom, SomePatientsHaveSeveralFilms) {
  const std::vector<PatientView> views = patient_views(0, 1000);
  ASSERT_EQ(views.size(), 1000u);
  std::map<int64_t, int64_t> films;
  for (const PatientView& view : views) EXPECT_EQ(view.view, films[view.patient]++);
  int64_t several = 0;
  for (const auto& [patient, count] : films) several += count > 1;
  EXPECT_NEAR(double(several) / double(films.size()), 0.4, 0.07);
  // A set that begins at a later patient is the rest of the same series.
  const std::vector<PatientView> later = patient_views(0, 200, 100);
  size_t i = 0;
  while (views[i].patient < 100) ++i;
  for (size_t k = 0; k < later.size(); ++k, ++i) {
    EXPECT_EQ(later[k].patient, views[i].patient);
    EXPECT_EQ(later[k].view, views[i].view);
  }
}

TEST(Scenes, DeterministicColourfulAndLabelled) {
  std::vector<float> positives(scene_things().size(), 0.f);
  double chroma = 0;
  for (int64_t i = 0; i < 60; ++i) {
    const Scene scene = make_scene(64, 9, i);
    ASSERT_EQ(scene.image.channels, 3);
    for (size_t k = 0; k < positives.size(); ++k) positives[k] += scene.labels[k];
    for (size_t p = 0; p < scene.image.pixels.size(); p += 3) {
      const auto [low, high] =
          std::minmax({scene.image.pixels[p], scene.image.pixels[p + 1], scene.image.pixels[p + 2]});
      ASSERT_TRUE(low >= 0 && high <= 1);
      chroma += high - low;
    }
  }
  EXPECT_GT(chroma / (60 * 64 * 64), 0.2);
  for (size_t k = 0; k < positives.size(); ++k)
    EXPECT_TRUE(positives[k] > 5 && positives[k] < 55)
        << scene_things()[k] << " in " << positives[k] << " of 60";
  EXPECT_EQ(make_scene(64, 9, 3).image.pixels, make_scene(64, 9, 3).image.pixels);
  EXPECT_NE(make_scene(64, 9, 3).image.pixels, make_scene(64, 9, 4).image.pixels);
}

}  // namespace
}  // namespace cawe::data
