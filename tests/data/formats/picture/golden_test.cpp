// SPDX-License-Identifier: Apache-2.0
// Every kind of picture against Pillow, turned as its ImageOps.exif_transpose turns them.
#include <cstdlib>
#include <map>

#include "tests/data/formats/picture/golden_file.h"

namespace cawe::data {
namespace {

/// Largest difference of any value, in levels of 255 or of 65535.
int distance(const GoldenPicture& g, const Picture& p) {
  int far = 0;
  if (g.bits == 16) {
    for (size_t i = 0; i < g.values.size() / 2; ++i)
      far =
          std::max(far, std::abs(p.at(i * size_t(p.samples)) - (g.values[2 * i] << 8 | g.values[2 * i + 1])));
    return far;
  }
  const std::vector<uint8_t> rgba = to_rgba8(p);
  for (size_t i = 0; i < g.values.size(); ++i)
    far = std::max(far, std::abs(int(rgba[i / 3 * 4 + i % 3]) - int(g.values[i])));
  return far;
}

TEST(GoldenPictures, AreWhatPillowSees) {
  std::map<std::string, int> kinds;
  for (const GoldenPicture& g : golden_pictures()) {
    SCOPED_TRACE(g.name);
    Picture p;
    ASSERT_NO_THROW(p = parse_picture(g.file, g.name));
    ++kinds[p.kind];
    ASSERT_EQ(p.columns, g.width);
    ASSERT_EQ(p.rows, g.height);
    ASSERT_EQ(g.values.size(), size_t(g.width) * size_t(g.height) * (g.bits == 16 ? 2 : 3));
    if (g.bits == 16) {
      EXPECT_EQ(p.bits_stored, 16);
    }
    EXPECT_LE(distance(g, p), g.tolerance);
  }
  EXPECT_GE(kinds["png"], 40);
  EXPECT_GE(kinds["jpeg"], 30);
  EXPECT_GE(kinds["bmp"], 20);
  EXPECT_GE(kinds["pnm"], 20);
}

// A test that turned nothing, or everything alike, would fail here.
TEST(GoldenPictures, HaveAllOrientations) {
  for (const char* kind : {"jpeg", "png"}) {
    std::map<std::string, int> seen;
    for (int value = 1; value <= 8; ++value) {
      const GoldenPicture g = golden_picture(std::string(kind) + "_exif_" + std::to_string(value));
      EXPECT_EQ(parse_picture(g.file, g.name).orientation, value);
      EXPECT_EQ(g.width, value >= 5 ? 3 : 5);
      ++seen[std::string(g.values.begin(), g.values.end())];
    }
    EXPECT_EQ(seen.size(), 8u);
  }
  for (const char* invalid : {"0", "9", "BYTE", "ASCII", "large_LONG"})
    EXPECT_EQ(parse_picture(golden_picture(std::string("jpeg_exif_") + invalid).file, "made").orientation, 1)
        << invalid;
}

// Up to three bytes that fill a BMP's last row may be missing.
TEST(GoldenPictures, CutAnywhereTheyAreRefused) {
  for (const char* name : {"jpeg_exif_6", "png_exif_6", "png_profile_compressed", "png_xmp_compressed",
                           "jpeg_xmp", "bmp_16_565_header_40", "bmp_4", "pnm_P5_comments", "pnm_P1"}) {
    const GoldenPicture g = golden_picture(name);
    const size_t filling = g.name.rfind("bmp", 0) == 0 ? 3 : 0;
    for (size_t n = 0; n + filling < g.file.size(); ++n)
      EXPECT_NE(kind_of(g.file.substr(0, n)), "read")
          << name << " cut to " << n << " of " << g.file.size() << " bytes";
  }
}

}  // namespace
}  // namespace cawe::data
