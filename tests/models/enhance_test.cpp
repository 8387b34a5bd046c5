// SPDX-License-Identifier: Apache-2.0
// Fusion (Eq. 7), CLAHE against OpenCV, and the list of enhancers.
#include "models/enhance/enhancer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iomanip>
#include <sstream>

#include "models/enhance/clahe.h"
#include "models/enhance/fusion.h"
#include "tests/models/enhance_support.h"

namespace cawe::models {
namespace {

using testing::uniform;
using testing::with_classifier;

TEST(Fusion, GoldenOfTheSpec) {
  const Tensor fused = fuse(Tensor::full({1, 1, 1, 1}, 0.8), Tensor::full({1, 1, 1, 1}, 0.25), 0.5);
  EXPECT_NEAR(fused.item(), 0.5, 1e-7);
  EXPECT_NEAR(normalise_input(fused).to_vector<float>()[0], 0.065502, 1e-6);  // red, after fusing
}

TEST(Fusion, BoundsAndIdentity) {
  const Tensor image = uniform({2, 3, 9, 7}, "image"), map = uniform({2, 1, 9, 7}, "map");
  const std::vector<float> in = image.to_vector<float>(), l = map.to_vector<float>();
  EXPECT_EQ(fuse(image, map, 1).to_vector<float>(), in);  // bit by bit
  const std::vector<float> zero = fuse(image, map, 0).to_vector<float>();
  const std::vector<float> half = fuse(image, map, 0.5).to_vector<float>();
  for (size_t i = 0; i < in.size(); ++i) {
    const size_t pixel = i / 189 * 63 + i % 63;  // one map for the three channels
    EXPECT_FLOAT_EQ(zero[i], in[i] * l[pixel]);
    EXPECT_LE(half[i], in[i]);
    EXPECT_GE(half[i], 0.5f * in[i] - 1e-7f);
  }
}

TEST(Fusion, RefusesNormalisedImagesAndWrongSizes) {
  const Tensor map = Tensor::full({1, 1, 2, 2}, 0.1);
  const Tensor dark = normalise_input(Tensor::full({1, 1, 2, 2}, 0.2));  // negative: would get brighter
  try {
    fuse(dark, map, 0.5);
    FAIL() << "a normalised image was fused";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::numeric);
  }
  EXPECT_THROW(fuse(Tensor::full({1, 1, 4, 4}, 0.2), map, 0.5), Error);
  EXPECT_THROW(fuse(Tensor::full({1, 1, 2, 2}, 0.2), map, 1.5), Error);
  EXPECT_THROW(fuse(Tensor::full({1, 1, 2, 2}, 0.2), Tensor::full({1, 1, 2, 2}, NAN), 0.5), Error);
}

uint64_t fnv(const std::vector<uint8_t>& values) {
  uint64_t h = 0xcbf29ce484222325ull;
  for (uint8_t v : values) h = (h ^ v) * 0x100000001b3ull;
  return h;
}

TEST(Clahe, EqualsOpenCv) {
  std::ifstream golden("tests/goldens/clahe.txt");
  std::string line;
  int cases = 0;
  while (std::getline(golden, line)) {
    std::istringstream in(line);
    int64_t rows, columns;
    ClaheSettings s;
    std::string hash;
    in >> rows >> columns >> s.tiles_y >> s.tiles_x >> s.clip_limit >> hash;
    const Random noise(5, "clahe");
    std::vector<uint8_t> gray;
    for (int64_t i = 0; i < rows * columns; ++i)
      gray.push_back(uint8_t(i % columns * 128 / columns + (noise.bits(uint64_t(i)) >> 25)));
    const std::vector<uint8_t> out = clahe_u8(gray, rows, columns, s);
    int expected;
    for (size_t i = 0; in >> expected; ++i) EXPECT_EQ(int(out[i]), expected) << line;
    std::ostringstream ours;
    ours << std::hex << std::setfill('0') << std::setw(16) << fnv(out);
    EXPECT_EQ(ours.str(), hash) << line;
    ++cases;
  }
  EXPECT_EQ(cases, 6) << "run from the source folder";
}

TEST(Clahe, WhatIsCutOffIsSharedOutEvenly) {
  // One tile of 1024 pixels, half 100 and half 200; the limit is 2 * 1024 / 256 = 8. Of the 1008 that are cut off
  // every level gets 3, and the remaining 240 go one each to levels 0 ... 239. Up to level 100 there are then
  // 101 * 4 + 8 pixels, up to 200 there are 201 * 4 + 16.
  std::vector<uint8_t> gray(512, 100);
  gray.resize(1024, 200);
  const std::vector<uint8_t> out = clahe_u8(gray, 32, 32, {1, 1, 2});
  EXPECT_EQ(out.front(), 103) << "412 * 255 / 1024 = 102.6";
  EXPECT_EQ(out.back(), 204) << "820 * 255 / 1024 = 204.2";
}

TEST(Clahe, FloatsGoThroughEightBits) {
  const Tensor y = clahe(uniform({2, 1, 40, 33}, "film"));
  for (float v : y.to_vector<float>()) EXPECT_FLOAT_EQ(v * 255, std::nearbyint(v * 255));
  EXPECT_THROW(clahe(Tensor::full({1, 1, 16, 16}, 1.5)), Error);
  EXPECT_THROW(clahe(Tensor::full({1, 1, 4, 4}, 0.5)), Error);  // fewer pixels than tiles
}

TEST(Enhancers, KnowTheirNames) {
  const std::vector<std::string> names = enhancer_names();
  for (const char* name : {"none", "clahe", "cawe"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
  try {
    make_enhancer("clage", {});
    FAIL() << "an unknown method was made";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::usage);
    EXPECT_NE(std::string(e.what()).find("clahe"), std::string::npos) << e.what();
  }
  EXPECT_THROW(make_enhancer("cawe", {}), Error);  // no classifier
}

TEST(Enhancers, SettingsAreCanonical) {
  EXPECT_EQ(make_enhancer("clahe", {})->settings(),
            "{\"method\":\"clahe\",\"tiles_x\":8,\"tiles_y\":8,\"clip_limit\":2}");
  EnhancerOptions options;
  ClassifierConfig small;
  small.backbone.depth = 18;
  small.backbone.width = 4;
  small.labels = 3;
  options.classifier = std::make_shared<Classifier>(small);
  options.alpha = 0.1;
  options.cam.exclude_labels = {0, 2};
  EXPECT_EQ(make_enhancer("cawe", options)->settings(),
            "{\"method\":\"cawe\",\"alpha\":0.1,\"input\":512,\"cam\":\"cawe\",\"closed_form\":true,\"act_"
            "threshold\":0.5,"
            "\"if_none\":\"top1\",\"exclude_labels\":[0,2],\"targets\":[],\"norm\":\"minmax\","
            "\"constant_map\":\"zeros\",\"norm_before_resize\":false}");
}

TEST(Enhancers, CaweFusesItsOwnMap) {
  CaweEnhancer enhancer(with_classifier());
  const Tensor film = uniform({2, 1, 80, 72}, "film");
  const AttentionMaps maps = enhancer.maps(film);
  EXPECT_EQ(maps.map.shape(), (Shape{2, 1, 80, 72}));
  EXPECT_EQ(enhancer.apply(film).to_vector<float>(), fuse(film, maps.map, 0.5).to_vector<float>());
  EXPECT_EQ(make_enhancer("none", {})->apply(film).to_vector<float>(), film.to_vector<float>());
}

}  // namespace
}  // namespace cawe::models
