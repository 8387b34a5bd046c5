// SPDX-License-Identifier: Apache-2.0
// Pictures stored turned: all that makes a film of one sees it upright; `cawe inspect` says both.
#include <zlib.h>

#include <nlohmann/json.hpp>

#include "data/dataset.h"
#include "data/decode.h"
#include "data/fingerprint.h"
#include "data/formats/picture/orientation.h"
#include "tensor/io/files.h"
#include "tests/data/formats/picture/golden_file.h"

namespace cawe::data {
namespace {

/// A golden picture as a file; gives its path.
std::string on_disk(const std::string& name) {
  const std::string path = ::testing::TempDir() + name;
  write_file(path, golden_picture(name).file);
  return path;
}

TEST(Upright, EveryWayToAFilm) {
  for (const char* name : {"png_exif_6", "jpeg_exif_8", "png_exif_16_bit"}) {
    SCOPED_TRACE(name);
    const GoldenPicture g = golden_picture(name);
    Sample sample;
    sample.path = on_disk(name);
    const FloatImage gray = decode_gray(sample), colour = decode_color(sample);
    const DecodedFilm film = decode_film(g.file, name);
    const ImageFacts facts = image_facts(g.file, name);
    EXPECT_EQ(facts.width, 3);
    EXPECT_EQ(facts.height, 5);
    EXPECT_NE(facts.orientation, 1);
    ASSERT_EQ(gray.width, 3);
    ASSERT_EQ(gray.height, 5);
    for (size_t i = 0; i < 15; ++i) {
      const float want = g.bits == 16 ? float(g.values[2 * i] << 8 | g.values[2 * i + 1]) / 65535.f
                                      : float(g.values[3 * i]) / 255.f;
      EXPECT_NEAR(gray.pixels[i], want, 1.01 / 255 * g.tolerance + 1e-6);
      EXPECT_EQ(colour.pixels[3 * i], gray.pixels[i]);
    }
    EXPECT_EQ(film.image.pixels, gray.pixels);
    EXPECT_EQ(decode_gray_file(sample.path).pixels, gray.pixels);
  }
}

// The same film stored in another way is the same film to everything that knows films by their pixels.
TEST(Upright, FingerprintIsOfTheUprightFilm) {
  const auto print = [](const std::string& name) {
    return pixel_hash(decode_film(golden_picture(name).file, name).image);
  };
  EXPECT_NE(print("png_exif_6"), print("png_exif_1"));
  EXPECT_EQ(print("png_exif_with_a_prefix"), print("png_exif_6"));
}

// Boxes are those of the upright picture: one that fits only there is kept, one of the stored picture is refused.
TEST(Upright, BoxesAndSizesOfLabelFiles) {
  const std::string path = on_disk("png_exif_6");
  const auto resolved = [&](int width, int height, const Box& box) {
    Dataset d;
    Sample s;
    s.image_id = "a";
    s.path = path;
    s.width = width;
    s.height = height;
    s.boxes = {box};
    s.box_classes = {0};
    d.samples = {s};
    resolve_images(&d, image_facts_with({}));
    return d;
  };
  const Dataset upright = resolved(3, 5, {0, 3, 2, 5});
  ASSERT_EQ(upright.samples.size(), 1u);
  EXPECT_EQ(resolved(0, 0, {3, 0, 5, 2}).samples.size(), 0u);
  const Dataset stored = resolved(5, 3, {0, 0, 2, 2});
  ASSERT_EQ(stored.rejected.size(), 1u);
  EXPECT_EQ(stored.rejected[0].reason,
            "3 x 5 px when turned upright as its EXIF data say (the label file says 5 x 3)");
}

TEST(Upright, InspectSaysBoth) {
  bool ok = false;
  const std::string path = on_disk("png_exif_6");
  const auto json = nlohmann::json::parse(inspect_picture_json(path, &ok));
  EXPECT_TRUE(ok);
  EXPECT_EQ(json["columns"], 5);  // of the stored samples, as those of a DICOM file are
  EXPECT_EQ(json["rows"], 3);
  EXPECT_EQ(json["orientation"], 6);
  EXPECT_EQ(json["shown_columns"], 3);
  EXPECT_EQ(json["shown_rows"], 5);
  EXPECT_EQ(json["sha256"], picture_hash(parse_picture(golden_picture("png_exif_1").file, "stored")));
  EXPECT_NE(json["sha256"], picture_hash(parse_picture(golden_picture("png_exif_6").file, "upright")));
  const auto plain = nlohmann::json::parse(inspect_picture_json(on_disk("png_exif_1"), &ok));
  EXPECT_FALSE(plain.contains("orientation"));
}

uint32_t big(const std::string& s, size_t at) {
  uint32_t v = 0;
  for (size_t k = 0; k < 4; ++k) v = v << 8 | uint32_t(static_cast<unsigned char>(s[at + k]));
  return v;
}

/// A PNG with a chunk more, behind its header.
std::string with_chunk(std::string png, const std::string& type, const std::string& body) {
  const auto number = [](uint32_t v) {
    return std::string{char(v >> 24), char(v >> 16), char(v >> 8), char(v)};
  };
  const std::string text = type + body;
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(text.data()), uInt(text.size()));
  return png.insert(33, number(uint32_t(body.size())) + text + number(uint32_t(sum)));
}

// Any number of them must not be unpacked one after another.
TEST(Upright, OnlyTheFirstOfManyTextsIsUnpacked) {
  const std::string plain = golden_picture("png_exif_1").file, upright = golden_picture("png_xmp").file;
  const std::string keyword("XML:com.adobe.xmp\0", 18),
      nothing = keyword + std::string("\1\0\0\0damaged", 11);
  EXPECT_EQ(png_orientation(with_chunk(plain, "tEXt", keyword + "tiff:Orientation=\"6\"")), 1)
      << "EXIF says 1";
  EXPECT_EQ(png_orientation(upright), 6);
  EXPECT_EQ(png_orientation(with_chunk(upright, "iTXt", nothing)), 1) << "also where there is nothing in it";
  const std::string raw("Raw profile type exif\0", 22);
  EXPECT_EQ(png_orientation(with_chunk(upright, "zTXt", raw + std::string("\0damaged", 8))), 6)
      << "of each kind";
}

// A wrong checksum of what decides where pixels lie is refused; of any other text it says nothing.
TEST(Upright, DamagedNotes) {
  std::string png = golden_picture("png_exif_6").file;
  const size_t at = png.find("eXIf");
  ++png[at + 4 + big(png, at - 4)];
  EXPECT_EQ(kind_of(png), "bad_checksum");
  png = golden_picture("png_xmp").file;
  const size_t text = png.find("iTXt");
  ++png[text + 4 + big(png, text - 4)];
  EXPECT_EQ(kind_of(png), "bad_checksum");
  png = with_chunk(golden_picture("png_xmp").file, "tEXt", std::string("Comment\0no note", 15));
  EXPECT_EQ(kind_of(png), "read");
  ++png[png.find("no note")];
  EXPECT_EQ(kind_of(png), "read");
}

// Turning forth and back gives the picture again: 6 and 8 undo each other, the others themselves.
TEST(Upright, TurnsUndoEachOther) {
  const Picture stored = parse_picture(golden_picture("png_exif_1").file, "stored");
  for (int turn = 1; turn <= 8; ++turn) {
    Picture p = stored;
    p.orientation = turn;
    turn_upright(&p);
    p.orientation = turn == 6 ? 8 : turn == 8 ? 6 : turn;
    turn_upright(&p);
    EXPECT_EQ(p.bytes, stored.bytes) << turn;
    EXPECT_EQ(p.columns, stored.columns);
  }
}

}  // namespace
}  // namespace cawe::data
