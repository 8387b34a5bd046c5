// SPDX-License-Identifier: Apache-2.0
// Fitting, augmenting (pictures and boxes move together), normalising.
#include "data/transforms.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/error.h"

namespace cawe::data {
namespace {

/// 1 inside the box, 0 outside.
FloatImage picture_of(const Box& box, int width, int height) {
  FloatImage image(width, height, 1);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      image.at(x, y) = float(x) >= box.x1 && float(x) < box.x2 && float(y) >= box.y1 && float(y) < box.y2;
  return image;
}

/// The box around what is above one half.
Box box_of(const FloatImage& image) {
  Box box{1e9f, 1e9f, -1, -1};
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      if (!(image.at(x, y) > 0.5f)) continue;
      box = {std::min(box.x1, float(x)), std::min(box.y1, float(y)), std::max(box.x2, float(x + 1)),
             std::max(box.y2, float(y + 1))};
    }
  return box;
}

TEST(Augment, BoxesGoWithTheirPicture) {
  const Box box{30, 22, 70, 48};
  const FloatImage image = picture_of(box, 120, 80);
  AugmentOptions options;
  options.gain = 0;
  bool flipped = false, straight = false;
  for (int64_t i = 0; i < 40; ++i) {
    const Augmentation draw = draw_augmentation(options, 3, 0, i);
    (draw.flip ? flipped : straight) = true;
    const std::vector<Box> moved = augment_boxes({box}, draw, 120, 80, 0.02, nullptr);
    const Box seen = box_of(augment_image(image, draw));
    ASSERT_EQ(moved.size(), 1u);
    EXPECT_NEAR(moved[0].x1, seen.x1, 1.01) << i;
    EXPECT_NEAR(moved[0].x2, seen.x2, 1.01) << i;
    EXPECT_NEAR(moved[0].y1, seen.y1, 1.01) << i;
    EXPECT_NEAR(moved[0].y2, seen.y2, 1.01) << i;
    EXPECT_GT(iou(moved[0], seen), 0.9f) << i;
  }
  EXPECT_TRUE(flipped && straight);
}

TEST(Augment, FlipAloneIsAMirror) {
  FloatImage image(5, 2, 1);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = float(i) / 10;
  Augmentation draw;
  draw.flip = true;
  const FloatImage out = augment_image(image, draw);
  for (int y = 0; y < 2; ++y)
    for (int x = 0; x < 5; ++x) EXPECT_NEAR(out.at(x, y), image.at(4 - x, y), 1e-6);
  const std::vector<Box> boxes = augment_boxes({{1, 0, 3, 2}}, draw, 5, 2, 0, nullptr);
  EXPECT_NEAR(boxes[0].x1, 2, 1e-5);
  EXPECT_NEAR(boxes[0].x2, 4, 1e-5);
  const FloatImage same = augment_image(image, Augmentation());
  for (size_t i = 0; i < same.pixels.size(); ++i) EXPECT_NEAR(same.pixels[i], image.pixels[i], 1e-6);
}

TEST(Augment, TinyAndLostBoxesAreDropped) {
  Augmentation draw;
  draw.shift_x = 0.5f;  // a quarter of the picture moves out at the left
  std::vector<size_t> kept;
  const std::vector<Box> boxes = {{0, 0, 25, 50}, {0, 0, 26, 50}, {0, 0, 40, 50}, {50, 50, 60, 51}};
  const std::vector<Box> out = augment_boxes(boxes, draw, 100, 100, 0.02, &kept);
  EXPECT_EQ(kept, std::vector<size_t>{2}) << "outside; 1 px left; 15 px left; 1 px high";
  EXPECT_NEAR(out[0].x2, 15, 1e-4);
  EXPECT_EQ(out[0].x1, 0);
}

TEST(Augment, ContrastAndBrightnessStayInRange) {
  FloatImage image(2, 1, 1);
  image.pixels = {0.1f, 0.9f};
  Augmentation draw;
  draw.contrast = 1.5f;
  draw.brightness = 0.05f;
  const FloatImage out = augment_image(image, draw);
  EXPECT_EQ(out.pixels[0], 0.f);
  EXPECT_EQ(out.pixels[1], 1.f);
  draw.contrast = 0.5f;
  EXPECT_NEAR(augment_image(image, draw).pixels[0], 0.35f, 1e-6);
}

TEST(Augment, DrawDependsOnSeedEpochAndImageOnly) {
  const auto zoom = [](uint64_t seed, int64_t epoch, int64_t image) {
    return draw_augmentation({}, seed, epoch, image).zoom;
  };
  EXPECT_EQ(zoom(1, 2, 3), zoom(1, 2, 3));
  EXPECT_NE(zoom(1, 2, 3), zoom(2, 2, 3));
  EXPECT_NE(zoom(1, 2, 3), zoom(1, 3, 3));
  EXPECT_NE(zoom(1, 2, 3), zoom(1, 2, 4));
  double low = 9, high = 0;
  int flips = 0;
  for (int64_t i = 0; i < 2000; ++i) {
    const Augmentation draw = draw_augmentation({}, 5, 0, i);
    low = std::min<double>(low, draw.zoom);
    high = std::max<double>(high, draw.zoom);
    flips += draw.flip;
    EXPECT_LE(std::abs(draw.shift_x), 0.08f);
  }
  EXPECT_NEAR(low, 0.85, 0.002);
  EXPECT_NEAR(high, 1.15, 0.002);
  EXPECT_NEAR(flips, 1000, 100);
}

TEST(Fit, StretchAndPadAndBack) {
  const FloatImage image = picture_of({10, 10, 30, 20}, 80, 40);
  Geometry geometry;
  FloatImage out = fit_image(image, 40, 40, Fit::stretch, Filter::triangle, &geometry);
  EXPECT_EQ(geometry.scale_x, 0.5f);
  EXPECT_EQ(geometry.scale_y, 1.f);
  out = fit_image(image, 40, 40, Fit::pad, Filter::triangle, &geometry);
  EXPECT_EQ(out.width, 40);
  EXPECT_EQ(out.height, 40);
  EXPECT_EQ(geometry.scale_y, 0.5f);
  for (int y = 20; y < 40; ++y)
    for (int x = 0; x < 40; ++x) EXPECT_EQ(out.at(x, y), 0.f);
  const Box box{10, 10, 30, 20}, network = geometry.to_network(box), back = geometry.to_original(network);
  EXPECT_EQ(network.x2, 15.f);
  EXPECT_EQ(back.x2, box.x2);
  EXPECT_GT(iou(box_of(out), network), 0.99f);
}

TEST(Fit, CropKeepsTheMiddle) {
  // 80 x 40 to 20 x 20: the 40 columns from 20 on, halved.
  const FloatImage image = picture_of({30, 10, 50, 20}, 80, 40);
  Geometry geometry;
  const FloatImage out = fit_image(image, 20, 20, Fit::crop, Filter::area, &geometry);
  EXPECT_EQ(geometry.scale_x, 0.5f);
  EXPECT_EQ(geometry.scale_y, 0.5f);
  EXPECT_EQ(geometry.offset_x, 20.f);
  EXPECT_EQ(geometry.offset_y, 0.f);
  const Box network = geometry.to_network({30, 10, 50, 20});
  EXPECT_EQ(network.x1, 5.f);
  EXPECT_EQ(network.x2, 15.f);
  EXPECT_EQ(geometry.to_original(network).x2, 50.f);
  EXPECT_GT(iou(box_of(out), network), 0.99f);
}

TEST(Normalise, GrayIsReplicatedBeforeMeanAndDeviation) {
  FloatImage gray(1, 1, 1);
  gray.pixels = {0.5f};
  float out[3];
  normalise_into(gray, {}, 3, out);
  EXPECT_NEAR(out[0], (0.5 - 0.485) / 0.229, 1e-6);
  EXPECT_NEAR(out[1], (0.5 - 0.456) / 0.224, 1e-6);
  EXPECT_NEAR(out[2], (0.5 - 0.406) / 0.225, 1e-6);
  FloatImage rgb(1, 1, 3);
  EXPECT_THROW(normalise_into(rgb, {}, 1, out), Error);
}

}  // namespace
}  // namespace cawe::data
