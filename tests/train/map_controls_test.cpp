// SPDX-License-Identifier: Apache-2.0
// Controls that give a film another map than its own: of another person, of the true boxes, or a mixture.
#include "train/map_controls.h"

#include <gtest/gtest.h>

#include <cmath>

#include "data/decode.h"
#include "data/phantom/chest.h"
#include "models/enhance/fusion.h"
#include "tests/data/text_file.h"
#include "tests/models/enhance_support.h"
#include "train/run_setup.h"

namespace cawe::train {
namespace {

using cawe::testing::TempDir;
using Values = std::vector<float>;

TEST(LesionMap, OneInTheMiddleAndAGaussianAround) {
  const Tensor map = lesion_map({{4, 2, 12, 6}}, 16, 16);  // centre (8, 4), half sides 4 and 2
  const auto at = [&](int64_t x, int64_t y) { return double(map.data<float>()[y * 16 + x]); };
  EXPECT_NEAR(at(8, 4), std::exp(-0.5 * (0.125 * 0.125 + 0.25 * 0.25)), 1e-6);
  EXPECT_NEAR(at(11, 5), std::exp(-0.5 * (0.875 * 0.875 + 0.75 * 0.75)), 1e-6);
  for (const float v : lesion_map({}, 4, 4).to_vector<float>()) EXPECT_EQ(v, 0);
  const Tensor both = lesion_map({{4, 2, 12, 6}, {0, 8, 4, 16}}, 16, 16),
               second = lesion_map({{0, 8, 4, 16}}, 16, 16);
  for (int64_t i = 0; i < 256; ++i)
    ASSERT_EQ(both.data<float>()[i], std::max(map.data<float>()[i], second.data<float>()[i]));
}

/// Phantoms on disk, their recipe and a chain whose classifier has random weights.
class MapControls : public ::testing::Test {
 protected:
  MapControls() {
    data::PhantomOptions o;
    o.out = dir_.path("set");
    o.images = 12;
    o.format = "png";
    o.chest.size = 64;
    data::write_phantoms(o);
    models::EnhancerOptions options = models::testing::with_classifier();
    chain_.method = "cawe";
    chain_.enhancer = models::make_enhancer("cawe", options);
    chain_.classifier.net = options.classifier;
    Recipe recipe = recipe_of({});
    data_ = load_data(recipe);
    loader_ = loader_from(recipe, 2, 0);
  }
  Recipe recipe_of(Strings more) const {
    Strings sets{"data.root=\"" + dir_.path("set") + "\"", "data.labels_csv=metadata.csv",
                 "data.boxes=stage_2_train_labels.csv", "data.split=all", "image.size=48"};
    sets.insert(sets.end(), more.begin(), more.end());
    return Recipe::parse("task = \"retinanet\"", "r.toml", "retinanet", sets);
  }
  data::FloatImage film(size_t i) const {
    data::Geometry geometry;
    return data::fit_image(data::decode_gray(data_.dataset.samples[i]), loader_.width, loader_.height,
                           loader_.fit, loader_.filter, &geometry);
  }
  Values through(const Strings& control, size_t i) const {
    const Recipe recipe = recipe_of(control);
    const FilmCallback callback = control_callback(recipe, chain_, data_, loader_, 3);
    data::FloatImage image = film(i);
    callback(image, data_.dataset.samples[i]);
    return image.pixels;
  }
  size_t with_lesion(bool wanted) const {
    for (size_t i = 0; i < data_.dataset.samples.size(); ++i)
      if (data_.dataset.samples[i].boxes.empty() != wanted) return i;
    ADD_FAILURE() << "no such film";
    return 0;
  }

  const TempDir dir_;
  Chain chain_;
  SplitData data_;
  data::LoaderOptions loader_;
};

TEST_F(MapControls, NoneIsNoCallback) {
  EXPECT_FALSE(control_callback(recipe_of({"enhance.method=cawe"}), chain_, data_, loader_, 3));
}

TEST_F(MapControls, APerfectMapIsThatOfTheTrueBoxes) {
  const size_t i = with_lesion(true);
  const data::Sample& sample = data_.dataset.samples[i];
  std::vector<Box> boxes;
  for (const Box& b : sample.boxes) boxes.push_back({b.x1 * 0.75f, b.y1 * 0.75f, b.x2 * 0.75f, b.y2 * 0.75f});
  const Tensor wanted = models::fuse(to_tensor(film(i)), lesion_map(boxes, 48, 48), 0.5);
  EXPECT_EQ(through({"control=dose"}, i), to_image(wanted).pixels);
  const size_t healthy = with_lesion(false);
  const Values plain = film(healthy).pixels, darkened = through({"control=dose"}, healthy);
  for (size_t k = 0; k < plain.size(); ++k) ASSERT_FLOAT_EQ(darkened[k], 0.5f * plain[k]);
}

TEST_F(MapControls, NoDoseIsAnotherPersonsMapAndHalfADoseLiesBetween) {
  const size_t i = with_lesion(true);
  const Values shuffled = through({"control=shuffled"}, i),
               none = through({"control=dose", "dose.quality=0"}, i),
               half = through({"control=dose", "dose.quality=0.5"}, i), all = through({"control=dose"}, i);
  EXPECT_EQ(shuffled, none);
  EXPECT_NE(shuffled, to_image(chain_.enhancer->apply(to_tensor(film(i)))).pixels);
  for (size_t k = 0; k < half.size(); ++k) ASSERT_NEAR(half[k], 0.5 * (double(none[k]) + all[k]), 1e-6);
}

TEST_F(MapControls, APerfectMapNeedsNoOtherPerson) {
  const size_t i = with_lesion(true);
  const Values among_others = through({"control=dose"}, i);
  data_.split.fold[i] = "alone";
  EXPECT_EQ(through({"control=dose"}, i), among_others);
  for (const Strings& control : {Strings{"control=shuffled"}, Strings{"control=dose", "dose.quality=0.9"}})
    cawe::testing::expect_error(Code::data, {"fold \"alone\"", "cannot be shuffled"},
                                [&] { through(control, i); });
}

TEST_F(MapControls, AMethodWithoutAMapIsRefused) {
  Chain clahe;
  clahe.method = "clahe";
  clahe.enhancer = models::make_enhancer("clahe", {});
  try {
    control_callback(recipe_of({"control=shuffled"}), clahe, data_, loader_, 3);
    FAIL() << "CLAHE was given a map";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::usage);
    EXPECT_NE(std::string(e.what()).find("clahe"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace cawe::train
