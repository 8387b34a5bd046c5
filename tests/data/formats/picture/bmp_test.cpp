// SPDX-License-Identifier: Apache-2.0
// BMP that is refused, and formats that are not read and named; right ones are in golden_test.cpp.
#include "tests/data/formats/picture/golden_file.h"

namespace cawe::data {
namespace {

using namespace std::string_literals;

std::string little(uint32_t v, int bytes) {
  std::string out;
  for (int k = 0; k < bytes; ++k) out += char(v >> (8 * k));
  return out;
}

/// 2 x 2 pixels, 24 bits, and changes: (offset, bytes).
std::string bmp(const std::vector<std::pair<size_t, std::string>>& changes = {}) {
  std::string file = "BM" + little(70, 4) + little(0, 4) + little(54, 4) + little(40, 4) + little(2, 4) +
                     little(2, 4) + little(1, 2) + little(24, 2) + std::string(24, '\0') +
                     std::string(16, 'p');
  for (const auto& [at, bytes] : changes) file.replace(at, bytes.size(), bytes);
  return file;
}

TEST(Bmp, TopDown) {
  std::string file = bmp({{54, "abc"}});
  EXPECT_EQ(parse_picture(file, "made").at(2 * 3), 'c');  // blue, green, red of the row below
  file = bmp({{22, little(uint32_t(-2), 4)}, {54, "abc"}});
  EXPECT_EQ(kind_of(file), "read");
  EXPECT_EQ(parse_picture(file, "made").at(0), 'c');
  EXPECT_EQ(parse_picture(file, "made").at(2), 'a');
}

TEST(Bmp, Sizes) {
  EXPECT_EQ(kind_of(bmp()), "read");
  EXPECT_EQ(kind_of(bmp({{22, little(0x80000000u, 4)}})), "bad_size");
  EXPECT_EQ(kind_of(bmp({{18, little(uint32_t(-2), 4)}})), "bad_size");
  EXPECT_EQ(kind_of(bmp({{18, little(0, 4)}})), "bad_size");
  EXPECT_EQ(kind_of(bmp({{22, little(3, 4)}})), "truncated_pixel_data");
  EXPECT_EQ(kind_of(bmp().substr(0, 68)), "read");  // the last row without its filling bytes
  EXPECT_EQ(kind_of(bmp().substr(0, 67)), "truncated_pixel_data");
  EXPECT_EQ(kind_of(bmp().substr(0, 40)), "truncated_header");
}

TEST(Bmp, CompressionsByName) {
  std::string text;
  for (const auto& [number, word] : {std::pair{1u, "RLE8"}, {2u, "RLE4"}, {4u, "JPEG"}, {5u, "PNG"}}) {
    EXPECT_EQ(kind_of(bmp({{30, little(number, 4)}}), {}, &text), "unsupported_format");
    EXPECT_NE(text.find(word), std::string::npos) << text;
  }
  EXPECT_EQ(kind_of(bmp({{30, little(9, 4)}})), "bad_header");
  EXPECT_EQ(kind_of(bmp({{30, little(3, 4)}})), "bad_header");  // bit fields of 24 bits
}

TEST(Bmp, Headers) {
  EXPECT_EQ(kind_of(bmp({{14, little(41, 4)}})), "bad_header");
  EXPECT_EQ(kind_of(bmp({{28, little(2, 2)}})), "bad_header");
  EXPECT_EQ(kind_of(bmp({{10, little(20, 4)}})), "bad_header");
  EXPECT_EQ(kind_of(bmp({{28, little(8, 2)}})), "bad_palette");  // no room for one
  const std::string fields = bmp({{28, little(16, 2)}, {30, little(3, 4)}});
  std::string masks =
      fields.substr(0, 54) + little(31 << 10, 4) + little(31 << 5, 4) + little(31, 4) + fields.substr(54);
  masks.replace(10, 4, little(66, 4));
  EXPECT_EQ(kind_of(masks), "read");
  EXPECT_EQ(kind_of(std::string(masks).replace(54, 4, little(31 << 5, 4))),
            "bad_header");  // one over another
  EXPECT_EQ(kind_of(std::string(masks).replace(54, 4, little(5 << 10, 4))), "bad_header");  // with a gap
  EXPECT_EQ(kind_of(std::string(masks).replace(54, 4, little(0, 4))), "bad_header");
  EXPECT_EQ(kind_of(std::string(masks).replace(54, 4, little(31 << 16, 4))), "bad_header");  // beyond 16 bits
}

// A pixel of colour 1 where the palette has one colour: refused, or black where damage is allowed.
TEST(Bmp, ColoursOutsideThePalette) {
  std::string file = bmp({{28, little(8, 2)},
                          {10, little(58, 4)},
                          {46, little(1, 4)},
                          {54, "abc\0"s},
                          {58, std::string(12, '\0')}});
  EXPECT_EQ(kind_of(file), "read");
  file[58] = 1;
  std::string text;
  EXPECT_EQ(kind_of(file, {}, &text), "damaged_pixel_data");
  EXPECT_NE(text.find("colour 1 in a palette of 1"), std::string::npos) << text;
  EXPECT_EQ(kind_of(file, {true}), "read");
  EXPECT_EQ(parse_picture(file, "made", {true}).at(2 * 3), 0);
}

TEST(Picture, FormatsThatAreNotReadAreNamed) {
  const std::pair<std::string, const char*> files[] = {{"GIF89a....", "a GIF picture"},
                                                       {"II*\0...."s, "a TIFF picture"},
                                                       {"MM\0*...."s, "a TIFF picture"},
                                                       {"RIFF....WEBPVP8 ", "a WebP picture"},
                                                       {"\0\0\0\14jP  \r\n\x87\n"s, "a JPEG 2000 picture"},
                                                       {"\xFF\x4F\xFF\x51\0\0"s, "a JPEG 2000 picture"},
                                                       {"\0\0\0\x18"
                                                        "ftypheic...."s,
                                                        "a HEIC picture"},
                                                       {"\0\0\0\x18"
                                                        "ftypavif...."s,
                                                        "an AVIF picture"},
                                                       {"\xFF\x0A...."s, "a JPEG XL picture"},
                                                       {"P7\nWIDTH 4\n", "a PAM picture"},
                                                       {"Pf\n1 1\n-1\n....", "a PFM picture"},
                                                       {"PK\3\4....", "a ZIP archive"},
                                                       {"<!DOCTYPE html>", "a web page"},
                                                       {"%PDF-1.7", "a PDF document"}};
  for (const auto& [bytes, what] : files) {
    std::string text;
    EXPECT_EQ(kind_of(bytes, {}, &text), "unsupported_format") << what;
    EXPECT_EQ(text.rfind(std::string("made: ") + what, 0), 0u) << text;
  }
}

// macOS puts one beside every file of an archive or a foreign disk: "._film.png" with the picture's ending.
TEST(Picture, MacResourceForksAreNamed) {
  std::string text;
  EXPECT_EQ(kind_of("\0\5\26\7\0\2\0\0Mac OS X        "s, {}, &text), "unsupported_format");
  EXPECT_NE(text.find("AppleDouble"), std::string::npos) << text;
  EXPECT_NE(text.find("\"._\""), std::string::npos) << text;
}

}  // namespace
}  // namespace cawe::data
