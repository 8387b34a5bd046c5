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
    const std::vector<Box> moved = place_boxes({box}, &draw, 120, 80, {}).boxes;
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
  const std::vector<Box> boxes = place_boxes({{1, 0, 3, 2}}, &draw, 5, 2, {0, 0}).boxes;
  EXPECT_NEAR(boxes[0].x1, 2, 1e-5);
  EXPECT_NEAR(boxes[0].x2, 4, 1e-5);
  const FloatImage same = augment_image(image, Augmentation());
  for (size_t i = 0; i < same.pixels.size(); ++i) EXPECT_NEAR(same.pixels[i], image.pixels[i], 1e-6);
}

// By hand: shift_x 0.5 moves the picture 25 px to the left.
TEST(Augment, WhatIsLeftOfACutBoxDecides) {
  Augmentation draw;
  draw.shift_x = 0.5f;
  const std::vector<Box> boxes = {{0, 0, 25, 50},    // outside
                                  {0, 0, 26, 50},    // 1 of 26 px left: 4 %
                                  {0, 0, 40, 50},    // 15 of 40
                                  {50, 50, 60, 51},  // whole, 1 px high
                                  {24, 0, 26, 50},   // 1 of 2 px left: half of it, but too narrow
                                  {30, 3, 30.5f, 4}};
  const PlacedBoxes out = place_boxes(boxes, &draw, 100, 100, {});
  EXPECT_EQ(out.kept, (std::vector<size_t>{2, 3, 5})) << "a whole box stays, however small";
  EXPECT_NEAR(out.boxes[0].x2, 15, 1e-4);
  EXPECT_EQ(out.boxes[0].x1, 0);
  EXPECT_NEAR(out.boxes[2].width(), 0.5f, 1e-4);
  EXPECT_EQ(out.cut, 1);
  EXPECT_EQ(out.dropped, 3);
  ASSERT_EQ(out.unclear.size(), 2u) << "what is seen of a box that does not count; of the first nothing is";
  EXPECT_NEAR(out.unclear[0].x2, 1, 1e-4);
  EXPECT_NEAR(out.unclear[0].y2, 50, 1e-4);
  EXPECT_EQ(place_boxes(boxes, &draw, 100, 100, {0.04, 2}).kept, out.kept) << "1 of 26, but not 2 px";
  EXPECT_EQ(place_boxes(boxes, &draw, 100, 100, {0.03, 0}).kept, (std::vector<size_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(place_boxes(boxes, &draw, 100, 100, {0.5, 0}).kept, (std::vector<size_t>{3, 4, 5}));
}

TEST(Augment, NoBoxThatIsWholeIsEverLost) {
  for (int64_t i = 0; i < 500; ++i) {
    const Augmentation draw = draw_augmentation({}, 1, 0, i);
    const PlacedBoxes out = place_boxes({{40, 40, 40.3f, 50}, {60, 20, 61, 21}}, &draw, 100, 100, {});
    EXPECT_EQ(out.kept.size(), 2u) << i;
    EXPECT_EQ(out.cut + out.dropped, 0) << i;
  }
}

// A crop keeps the columns from 20 to 60 of 80; the boxes are in pixels of the cropped picture.
TEST(Fit, ACropCutsBoxesByTheSameRules) {
  const std::vector<Box> boxes = {
      {-30, 5, -10, 15}, {-10, 5, 10, 15}, {-19, 5, 1, 15}, {5, 5, 20, 15}, {15, 0, 35, 20}};
  const PlacedBoxes out = place_boxes(boxes, nullptr, 20, 20, {});
  EXPECT_EQ(out.kept, (std::vector<size_t>{1, 3, 4}));
  EXPECT_EQ(out.boxes[0].x1, 0.f);
  EXPECT_EQ(out.boxes[0].x2, 10.f);
  EXPECT_EQ(out.boxes[1].x1, 5.f);
  EXPECT_EQ(out.boxes[2].x2, 20.f);
  EXPECT_EQ(out.cut, 2);
  EXPECT_EQ(out.dropped, 2);
  ASSERT_EQ(out.unclear.size(), 1u);
  EXPECT_EQ(out.unclear[0].x2, 1.f);
  // An augmentation that moves the cut off part's place inside does not bring it back: zoom 0.5 about the
  // middle.
  Augmentation draw;
  draw.zoom = 0.5f;
  const PlacedBoxes smaller = place_boxes(boxes, &draw, 20, 20, {});
  EXPECT_EQ(smaller.kept, (std::vector<size_t>{1, 3, 4}));
  EXPECT_NEAR(smaller.boxes[0].x1, 5, 1e-5);
  EXPECT_NEAR(smaller.boxes[0].x2, 10, 1e-5);
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

}  // namespace
}  // namespace cawe::data
