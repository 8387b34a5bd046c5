// SPDX-License-Identifier: Apache-2.0
// PNM headers and samples that are wrong; right ones are in golden_test.cpp.
#include "tests/data/formats/picture/golden_file.h"

namespace cawe::data {
namespace {

using namespace std::string_literals;

TEST(Pnm, SizesAreNotCutToTheirLowBits) {
  std::string text;
  // 4294967312 = 2^32 + 16 was read as 16.
  EXPECT_EQ(kind_of("P5 4294967312 1 255\n" + std::string(16, 'x'), {}, &text), "bad_size");
  EXPECT_NE(text.find("more than 9 digits"), std::string::npos) << text;
  EXPECT_EQ(kind_of("P5 1 18446744073709551617 255\nx"), "bad_size");
  EXPECT_EQ(kind_of("P5 16385 1 255\n" + std::string(16385, 'x')), "bad_size");
  EXPECT_EQ(kind_of("P5 0 1 255\n"), "bad_size");
  EXPECT_EQ(kind_of("P5 16384 16384 65535\nxx"), "truncated_pixel_data");
  EXPECT_EQ(kind_of("P6 16384 16384 255\nxx"), "bad_size");
  EXPECT_EQ(kind_of("P2 16384 16384 255\n1 2"), "truncated_pixel_data");
}

TEST(Pnm, Headers) {
  for (const char* header : {"P5 -1 1 255\nx", "P5 1 x 255\nx", "P5 1 1 25.5\nx", "P5 1 1 0\nx",
                             "P5 1 1 65536\nxx", "P5 1,1 255\nx", "P5 1 1 0x1\nx"})
    EXPECT_EQ(kind_of(header), "bad_header") << header;
  for (const char* header : {"P5\n", "P5 1 1", "P5 1 1 # 255", "P4 8"})
    EXPECT_EQ(kind_of(header), "truncated_header") << header;
  EXPECT_EQ(kind_of("P5 1 1 255"), "truncated_pixel_data");
  EXPECT_EQ(kind_of("P50 1 1 255\nx"), "unknown_format");  // P8, P9 and words that begin like it are no PNM
  EXPECT_EQ(kind_of("P8 1 1 255\nx"), "unknown_format");
}

TEST(Pnm, SamplesAboveTheLargestValue) {
  std::string text;
  const std::string file = "P5 2 1 15\n\x0F\x10"s;
  EXPECT_EQ(kind_of(file, {}, &text), "damaged_pixel_data");
  EXPECT_NE(text.find("sample of 16 where the header says at most 15"), std::string::npos) << text;
  EXPECT_EQ(kind_of(file, {true}, &text), "read");
  EXPECT_EQ(text, "sample of 16 where the header says at most 15");
  EXPECT_EQ(parse_picture(file, "made", {true}).at(1), 255);
  EXPECT_EQ(kind_of("P2 1 1 15 16"), "damaged_pixel_data");
  EXPECT_EQ(kind_of("P1 2 1 1 2"), "bad_header");
  EXPECT_EQ(kind_of("P2 1 1 15 -1"), "bad_header");
}

// 12 bits: 2048 of 4095 is 2048 * 65535 / 4095 = 32775.5.., rounded; bytes are in the order that the format says.
TEST(Pnm, SixteenBits) {
  const Picture p = parse_picture("P5 3 1 4095\n\x08\x00\x0F\xFF\x00\x01"s, "made");
  EXPECT_EQ(p.bits_stored, 16);
  EXPECT_EQ(p.at(0), 32776);
  EXPECT_EQ(p.at(1), 65535);
  EXPECT_EQ(p.at(2), 16);
}

// One white space ends the header. Two are plain only where the lines end with CR LF and the size says so.
TEST(Pnm, TheLineBehindTheHeader) {
  EXPECT_EQ(parse_picture("P5\r\n3 1\r\n255\r\nabc", "made").at(0), 'a');
  EXPECT_EQ(parse_picture("P5\r\n3 1\r\n255\r\nab", "made").at(0), '\n');
  EXPECT_EQ(parse_picture("P5\n3 1\n255\n\nab", "made").at(0), '\n');
  EXPECT_EQ(parse_picture("P5\n3 1\n255#comment\nabc", "made").at(0), 'a');  // as netpbm reads it
}

TEST(Pnm, WhatLiesBehindThePixels) {
  const std::string one = "P5 4 2 255\n12345678";
  for (const char* harmless : {"\n", "\r\n \n", "junk"})
    EXPECT_EQ(kind_of(one + harmless), "read") << harmless;
  std::string text;
  EXPECT_EQ(kind_of(one + "\n" + one, {}, &text), "unsupported_format");
  EXPECT_NE(text.find("more than one picture"), std::string::npos) << text;
  EXPECT_EQ(kind_of(one + "abcdefgh"), "bad_header");  // 16-bit samples under an 8-bit header
  EXPECT_EQ(kind_of("P2 2 1 255 1 2 3"), "bad_header");
  EXPECT_EQ(kind_of("P2 2 1 255 1 2 # end"), "read");
}

}  // namespace
}  // namespace cawe::data
