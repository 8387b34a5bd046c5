// SPDX-License-Identifier: Apache-2.0
#include "data/image_name.h"

#include <gtest/gtest.h>

#include "data/fingerprint.h"

namespace cawe::data {
namespace {

TEST(ImageName, LosesOnlyAKnownImageEnding) {
  EXPECT_EQ(without_image_ending("a.png"), "a");
  EXPECT_EQ(without_image_ending("p1/view1.PNG"), "p1/view1");
  EXPECT_EQ(without_image_ending("1.2.3.99"), "1.2.3.99") << "a UID";
  EXPECT_EQ(without_image_ending("1.2.3.dcm"), "1.2.3");
  EXPECT_EQ(without_image_ending("a.png.png"), "a.png");
  EXPECT_EQ(without_image_ending("dir.png/file"), "dir.png/file");
  EXPECT_EQ(without_image_ending("a.tiff"), "a.tiff");
  EXPECT_EQ(without_image_ending(""), "");
  EXPECT_EQ(image_ending("X.JpEg"), ".jpeg");
  for (const char* ending : {".pbm", ".pgm", ".ppm", ".pnm"})
    EXPECT_EQ(without_image_ending(std::string("a") + ending), "a") << "every PNM that is read";
}

TEST(PixelHash, KnowsAFilmByItsGrayLevels) {
  FloatImage a(2, 3, 1), b(3, 2, 1);
  for (size_t i = 0; i < 6; ++i) a.pixels[i] = b.pixels[i] = float(i) / 10;
  EXPECT_NE(pixel_hash(a), pixel_hash(b)) << "the same numbers in another shape";
  FloatImage nearly = a;
  nearly.pixels[3] += 0.0001f;  // less than half a level of 8 bits from 0.3 = 76.5 levels: rounds up, too
  EXPECT_EQ(pixel_hash(a), pixel_hash(nearly));
  nearly.pixels[3] += 0.01f;
  EXPECT_NE(pixel_hash(a), pixel_hash(nearly));
}

}  // namespace
}  // namespace cawe::data
