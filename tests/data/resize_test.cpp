// SPDX-License-Identifier: Apache-2.0
// Resizing against Pillow and PyTorch (tests/goldens/resize.txt, made by scripts/goldens/resize.py).
#include "data/resize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <string>

#include "tensor/error.h"

namespace cawe::data {
namespace {

FloatImage made_up(int width, int height) {
  FloatImage image(width, height, 1);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) image.at(x, y) = float((37 * x + 91 * y + 13 * x * y) % 256) / 255;
  return image;
}

TEST(Resize, AgreesWithPillowAndPyTorch) {
  const std::map<std::string, std::pair<Filter, float>> filters = {{"pillow_f", {Filter::triangle, 1}},
                                                                   {"pillow_l", {Filter::triangle8, 255}},
                                                                   {"torch_bilinear", {Filter::bilinear, 1}},
                                                                   {"torch_area", {Filter::area, 1}}};
  std::ifstream in("tests/goldens/resize.txt");
  ASSERT_TRUE(in) << "run from the source folder";
  std::string name;
  int in_w, in_h, out_w, out_h, cases = 0;
  while (in >> name >> in_w >> in_h >> out_w >> out_h) {
    const auto [filter, scale] = filters.at(name);
    const FloatImage out = resize(made_up(in_w, in_h), out_w, out_h, filter);
    ASSERT_EQ(out.pixels.size(), size_t(out_w) * size_t(out_h));
    for (const float value : out.pixels) {
      double expected;
      ASSERT_TRUE(in >> expected);
      if (filter == Filter::triangle8) {
        ASSERT_EQ(std::lround(value * scale), std::lround(expected))
            << name << " " << in_w << " to " << out_w;
      } else {
        ASSERT_NEAR(value, expected, 1e-6) << name << " " << in_w << " to " << out_w;
      }
    }
    ++cases;
  }
  EXPECT_EQ(cases, 17);
}

TEST(Resize, ChannelsDoNotMix) {
  FloatImage rgb(20, 10, 3);
  const FloatImage gray = made_up(20, 10);
  for (size_t i = 0; i < gray.pixels.size(); ++i) {
    rgb.pixels[3 * i] = gray.pixels[i];
    rgb.pixels[3 * i + 1] = 1 - gray.pixels[i];
    rgb.pixels[3 * i + 2] = 0.25f;
  }
  for (const Filter filter : {Filter::bilinear, Filter::area, Filter::triangle}) {
    const FloatImage one = resize(gray, 7, 13, filter), three = resize(rgb, 7, 13, filter);
    for (size_t i = 0; i < one.pixels.size(); ++i) {
      EXPECT_EQ(three.pixels[3 * i], one.pixels[i]);
      EXPECT_NEAR(three.pixels[3 * i + 1], 1 - one.pixels[i], 1e-6);
      EXPECT_NEAR(three.pixels[3 * i + 2], 0.25, 1e-7);
    }
  }
}

TEST(Resize, AreaKeepsTheMean) {
  const FloatImage image = made_up(37, 29);
  const FloatImage small = resize(image, 5, 4, Filter::area);
  double before = 0, after = 0;
  for (const float v : image.pixels) before += v;
  for (const float v : small.pixels) after += v;
  EXPECT_NEAR(before / double(image.pixels.size()), after / double(small.pixels.size()), 1e-6);
}

TEST(Resize, EmptyIsAnError) { EXPECT_THROW(resize(made_up(4, 4), 0, 3, Filter::area), Error); }

}  // namespace
}  // namespace cawe::data
