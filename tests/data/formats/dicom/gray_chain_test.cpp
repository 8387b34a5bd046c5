// SPDX-License-Identifier: Apache-2.0
// The gray chain over a grid of bits, sign, table forms, window functions, polarity, encodings and functional
// groups: numbers of the standard's formulas and of pydicom (scripts/goldens/dicom_gray.py), and what is
// refused.
#include "data/formats/dicom/gray_chain.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmjpeg/djrploss.h>
#include <dcmtk/dcmjpls/djrparam.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <tuple>

#include "data/formats/dicom/film.h"
#include "tests/data/formats/dicom/compressed.h"
#include "tests/data/formats/dicom/dicom_bytes.h"
#include "tests/data/formats/dicom/refusal.h"

namespace cawe::data {
namespace {

using namespace dicom_bytes;

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> out;
  std::stringstream s(text);
  for (std::string part; std::getline(s, part, at);) out.push_back(part);
  return out;
}

struct Case {
  Shape shape;
  std::string syntax, rescale, modality_lut, voi, groups;
  std::vector<double> gray;
};

Case parse_case(const std::string& line) {
  std::stringstream s(line);
  Case c;
  std::string bar;
  int is_signed = 0;
  s >> c.shape.bits >> c.shape.alloc >> c.shape.high >> is_signed >> c.shape.photometric >> c.syntax >>
      c.rescale >> c.modality_lut >> c.voi >> c.groups >> bar;
  c.shape.is_signed = is_signed == 1;
  for (double v = 0; s >> v;) c.gray.push_back(v);
  EXPECT_EQ(bar, "|");
  EXPECT_EQ(c.gray.size(), 12u) << line;
  return c;
}

/// "lut:first,entries,bits,form"
Writer lookup_item(Encoding encoding, const std::string& text) {
  const std::vector<std::string> parts = split(text.substr(4), ',');
  const int first = std::stoi(parts[0]), count = std::stoi(parts[1]), bits = std::stoi(parts[2]);
  std::vector<int> entries;
  for (int64_t i = 0; i < count; ++i) entries.push_back(int((5 * i * i + 11 * i + 3) % (int64_t(1) << bits)));
  Writer item(encoding);
  item.words(0x28, 0x3002, first < 0 ? "SS" : "US", {count % 65536, first, bits});
  if (parts[3] == "US" || parts[3] == "OW") return item.words(0x28, 0x3006, parts[3], entries);
  if (parts[3] == "OB8") {
    std::string bytes;
    for (const int v : entries) bytes += char(v);
    return item.text(0x28, 0x3006, "OB", bytes);
  }
  std::vector<int> packed;
  for (size_t i = 0; i < entries.size(); i += 2)
    packed.push_back(entries[i] | (i + 1 < entries.size() ? entries[i + 1] : 0) << 8);
  return item.words(0x28, 0x3006, "OW", packed);
}

void put_rescale(Writer& w, const Case& c) {
  if (c.rescale != "-") {
    const std::vector<std::string> parts = split(c.rescale, ',');
    w.text(0x28, 0x1052, "DS", parts[1]).text(0x28, 0x1053, "DS", parts[0]);
  }
}

void put_window(Writer& w, const Case& c) {
  if (c.voi == "-" || c.voi.rfind("lut:", 0) == 0) return;
  const std::vector<std::string> parts = split(c.voi, ',');
  w.text(0x28, 0x1050, "DS", parts[1]).text(0x28, 0x1051, "DS", parts[2]).text(0x28, 0x1056, "CS", parts[0]);
}

void put_voi(Writer& w, const Case& c) {
  put_window(w, c);
  if (c.voi.rfind("lut:", 0) == 0) w.item(0x28, 0x3010, lookup_item(w.encoding(), c.voi));
}

std::vector<int> samples_of(const Shape& s) {
  std::vector<int> out;
  const int low = s.is_signed ? -(1 << (s.bits - 1)) : 0, shift = s.high + 1 - s.bits;
  // Junk in the bits that do not count, where there are such.
  const int junk = (shift > 0 ? 1 : 0) | (s.high + 1 < s.alloc && !s.is_signed ? 1 << (s.high + 1) : 0);
  for (int k = 0; k < 12; ++k) out.push_back(((low + k * ((1 << s.bits) - 1) / 11) * (1 << shift)) | junk);
  return out;
}

/// The file without compression.
std::string bytes_of(const Case& c, bool junk = true) {
  const Encoding encoding = c.syntax == "implicit"   ? Encoding::implicit_little
                            : c.syntax == "big"      ? Encoding::explicit_big
                            : c.syntax == "deflated" ? Encoding::deflated
                                                     : Encoding::explicit_little;
  Writer w(encoding);
  put(w, c.shape);
  const bool top = c.groups == "top";
  if (top) {
    put_window(w, c);
    put_rescale(w, c);
    if (c.modality_lut != "-") w.item(0x28, 0x3000, lookup_item(encoding, c.modality_lut));
    if (c.voi.rfind("lut:", 0) == 0) w.item(0x28, 0x3010, lookup_item(encoding, c.voi));
  } else {
    Writer values(encoding), voi(encoding), group(encoding), wrong(encoding);
    put_rescale(values, c);
    put_voi(voi, c);
    if (!voi.bytes().empty()) group.item(0x28, 0x9132, voi);
    group.item(0x28, 0x9145, values);
    // What stands elsewhere is not for this frame.
    wrong.item(0x28, 0x9145, Writer(encoding).text(0x28, 0x1052, "DS", "5").text(0x28, 0x1053, "DS", "-7"));
    w.text(0x28, 0x1053, "DS", "-9");
    if (c.groups == "frame") w.item(0x5200, 0x9229, wrong);
    w.item(0x5200, c.groups == "frame" ? 0x9230 : 0x9229, group);
  }
  std::vector<int> samples = samples_of(c.shape);
  if (!junk)
    for (int& v : samples) v &= (1 << c.shape.bits) - 1;
  if (c.syntax == "rle") {
    std::string low, high;
    for (const int v : samples) {
      low += char(v);
      high += char(v >> 8);
    }
    w.append(encapsulated({rle_frame(c.shape.alloc > 8 ? std::vector<std::string>{high, low}
                                                       : std::vector<std::string>{low})}));
    return file(w, "1.2.840.10008.1.2.5");
  }
  if (c.shape.alloc > 8) return file(w.words(0x7FE0, 0x10, "OW", samples));
  std::string bytes;
  for (const int v : samples) bytes += char(v);
  return file(w.text(0x7FE0, 0x10, "OB", bytes));
}

TEST(GrayChain, AgreesWithTheStandardAndPydicom) {
  std::ifstream golden("tests/goldens/dicom_gray.txt");
  ASSERT_TRUE(golden.good());
  int cases = 0;
  for (std::string line; std::getline(golden, line); ++cases) {
    SCOPED_TRACE(line.substr(0, line.find('|')));
    const Case c = parse_case(line);
    const bool encoded = c.syntax == "jpeg" || c.syntax == "jpegls";
    std::string bytes = bytes_of(c, !encoded && c.syntax != "rle");
    if (encoded) bytes = compressed(bytes, c.syntax == "jpeg" ? EXS_JPEGProcess14SV1 : EXS_JPEGLSLossless);
    const Film film = parse_film(bytes, "made");
    ASSERT_EQ(film.image.pixels.size(), 12u);
    for (size_t i = 0; i < 12; ++i) EXPECT_NEAR(film.image.pixels[i], c.gray[i], 2e-6) << i;
  }
  EXPECT_EQ(cases, 289);
}

using Attributes = std::vector<std::pair<unsigned, std::string>>;  // numbers of group 28, text

/// A film of 12 bits, pixels 0, 372, .. 4092, with attributes as they are given.
std::string film_with(const Attributes& attributes, const std::string& vr = "DS") {
  Writer w(Encoding::explicit_little);
  Shape s;
  s.bits = 12;
  s.alloc = 16;
  put(w, s);
  for (const auto& [number, value] : attributes) w.text(0x28, number, number == 0x1056 ? "CS" : vr, value);
  std::vector<int> pixels;
  for (int k = 0; k < 12; ++k) pixels.push_back(k * 372);
  return file(w.words(0x7FE0, 0x10, "OW", pixels));
}

void expect_linear(const std::string& bytes, double center, double width) {
  const Film film = parse_film(bytes, "made");
  for (int k = 0; k < 12; ++k)
    EXPECT_NEAR(film.image.pixels[size_t(k)],
                std::min(1.0, std::max(0.0, (k * 372 - (center - 0.5)) / (width - 1) + 0.5)), 1e-6)
        << k;
}

// pydicom's DSfloat("2047,5") raises; a comma can mean nothing but the point there.
TEST(GrayChain, DecimalsAreReadStrictly) {
  for (const char* width :
       {"1000", " 1000 ", "1000.", "+1.0E3", "1000,0", "1e+03", "1000\\400", "0001000.000000000000"})
    expect_linear(film_with({{0x1050, "2047.5"}, {0x1051, width}}), 2047.5, 1000);
  expect_linear(film_with({{0x1050, "2047,5"}, {0x1051, "1000"}}), 2047.5, 1000);
  for (const char* wrong : {"inf", "nan", "-inf", "abc", "0x10", "1e999", "1,000.5", "1,2,3", ".", "-", "1e",
                            "1000px", "1 000", "1000\xC2\xB0", "Infinity"})
    for (const unsigned number : {0x1050u, 0x1051u, 0x1052u, 0x1053u}) {
      Attributes a{{0x1050, "2047.5"}, {0x1051, "1000"}, {0x1052, "0"}, {0x1053, "1"}};
      a[number - 0x1050].second = wrong;
      const std::string error = refusal(film_with(a));
      EXPECT_EQ(error.rfind("bad_header: made: DICOM attribute (0028,105", 0), 0u) << error << wrong;
      EXPECT_NE(error.find(" is \"" + std::string(wrong).substr(0, 4)), std::string::npos) << error;
    }
}

TEST(GrayChain, AttributesOfAnUnknownKindAreTheSameBytes) {
  expect_linear(film_with({{0x1050, "2047.5"}, {0x1051, "1000"}}, "UN"), 2047.5, 1000);
}

TEST(GrayChain, WindowsThatSayNothingArePassedOver) {
  const FloatImage whole = parse_film(film_with({}), "made").image;
  for (int k = 0; k < 12; ++k) EXPECT_NEAR(whole.pixels[size_t(k)], k * 372 / 4095.0, 1e-6);
  for (const Attributes& none :
       {Attributes{{0x1050, "0"}, {0x1051, "0"}}, Attributes{{0x1050, ""}, {0x1051, ""}},
        Attributes{{0x1050, "40"}, {0x1051, ""}}, Attributes{{0x1050, "40"}}, Attributes{{0x1051, "400"}},
        Attributes{{0x1050, "0.0\\"}, {0x1051, "0\\"}}})
    EXPECT_EQ(parse_film(film_with(none), "made").image.pixels, whole.pixels);
  expect_linear(film_with({{0x1050, "\\1000"}, {0x1051, "\\2001"}}), 1000, 2001);
  expect_linear(film_with({{0x1050, "0\\1000"}, {0x1051, "0\\2001"}}), 1000, 2001);
  expect_linear(film_with({{0x1050, "5\\1000\\7"}, {0x1051, "\\2001\\9"}}), 1000, 2001);
  expect_linear(film_with({{0x1050, "1000\\x"}, {0x1051, "2001\\y"}}), 1000, 2001);
}

TEST(GrayChain, RefusesWhatIsNoWindow) {
  for (const char* width : {"0", "0.5", "-400"})
    EXPECT_EQ(refusal(film_with({{0x1050, "2048"}, {0x1051, width}})).rfind("bad_header", 0), 0u) << width;
  for (const char* function : {"LINEAR_EXACT", "SIGMOID"}) {
    EXPECT_EQ(refusal(film_with({{0x1050, "2048"}, {0x1051, "0.5"}, {0x1056, function}})), "read");
    EXPECT_EQ(
        refusal(film_with({{0x1050, "2048"}, {0x1051, "0"}, {0x1056, function}})).rfind("bad_header", 0), 0u);
  }
  const std::string error = refusal(film_with({{0x1050, "2048"}, {0x1051, "400"}, {0x1056, "LOG"}}));
  EXPECT_NE(error.find("VOILUTFunction is \"LOG\""), std::string::npos) << error;
}

// A slope of 1e308 gives no finite modality values; one pixel of NaN stopped a whole folder's detections.
TEST(GrayChain, NoGrayThatIsNoNumber) {
  EXPECT_EQ(refusal(film_with({{0x1053, "1e308"}})).rfind("bad_header", 0), 0u);
  EXPECT_EQ(refusal(film_with({{0x1052, "1e308"}, {0x1053, "1e308"}})).rfind("bad_header", 0), 0u);
  EXPECT_EQ(refusal(film_with({{0x1053, "0"}})).rfind("bad_header", 0), 0u);
  EXPECT_EQ(
      refusal(film_with({{0x1050, "-1e308"}, {0x1051, "1e-5"}, {0x1053, "1e304"}, {0x1056, "LINEAR_EXACT"}}))
          .rfind("bad_header", 0),
      0u);
  // Without a window slope and intercept cancel: no rounding of theirs is left.
  const FloatImage whole = parse_film(film_with({}), "made").image;
  for (const char* slope : {"1e304", "1e-300", "1e-12"})
    EXPECT_EQ(parse_film(film_with({{0x1052, "1e6"}, {0x1053, slope}}), "made").image.pixels, whole.pixels)
        << slope;
}

std::string film_with_lut(const std::vector<int>& descriptor, const std::vector<int>& words) {
  Writer w(Encoding::explicit_little), item(Encoding::explicit_little);
  Shape s;
  put(w, s);
  item.words(0x28, 0x3002, "US", descriptor).words(0x28, 0x3006, "OW", words);
  w.item(0x28, 0x3010, item);
  return file(w.text(0x7FE0, 0x10, "OB", std::string(12, '\7')));
}

TEST(GrayChain, RefusesBrokenTables) {
  EXPECT_EQ(refusal(film_with_lut({4, 0, 16}, {1, 2, 3, 4})), "read");
  EXPECT_EQ(refusal(film_with_lut({4, 0, 16}, {1, 2, 3})).rfind("bad_header", 0), 0u);
  EXPECT_EQ(refusal(film_with_lut({4, 0, 8}, {1, 2})), "read");  // packed
  EXPECT_EQ(refusal(film_with_lut({4, 0, 8}, {1})).rfind("bad_header", 0), 0u);
  EXPECT_EQ(refusal(film_with_lut({4, 0, 0}, {1, 2, 3, 4})).rfind("bad_header", 0), 0u);
  EXPECT_EQ(refusal(film_with_lut({4, 0, 17}, {1, 2, 3, 4})).rfind("bad_header", 0), 0u);
  EXPECT_EQ(refusal(film_with_lut({4, 0}, {1, 2, 3, 4})).rfind("bad_header", 0), 0u);
  EXPECT_EQ(refusal(film_with_lut({0, 0, 16}, {1, 2, 3, 4})).rfind("bad_header", 0), 0u);  // 65,536 entries
}

// PS3.3 C.7.5.1.1.2: padding lies outside the film. The range without a window is that of BitsStored, so that
// it moves no other pixel.
TEST(GrayChain, PaddingMovesNoOtherPixel) {
  EXPECT_EQ(parse_film(film_with({}), "made").image.pixels,
            parse_film(film_with({{0x120, std::string("\0\0", 2)}}, "US"), "made").image.pixels);
}

/// Two by two blocks of 8 x 8, `low` and `high` in turn with a bit of noise, of 12 bits; compressed, and then
/// called by other bits and sign. Its edges ring: the codec's values go beyond what was coded.
std::string coded_film(E_TransferSyntax syntax, int low, int high, int bits, bool is_signed = false) {
  Writer w(Encoding::explicit_little);
  Shape s;
  s.rows = s.columns = 16;
  s.bits = 12;
  s.alloc = 16;
  std::vector<int> samples;
  for (int i = 0; i < 256; ++i) {
    const int x = i % 16, y = i / 16, noise = (7 * x + 5 * y) % 4;
    samples.push_back((x / 5 + y / 5) % 2 == 0 ? low + noise : high - noise);
  }
  const DJ_RPLossy quality(50);
  const DJLSRepresentationParameter error(3, false);
  const bool exact = syntax == EXS_JPEGProcess14SV1 || syntax == EXS_JPEGLSLossless;
  const DcmRepresentationParameter* how = &error;
  if (syntax == EXS_JPEGProcess2_4) how = &quality;
  std::string bytes =
      compressed(file(put(w, s).words(0x7FE0, 0x10, "OW", samples)), syntax, exact ? nullptr : how);
  const auto us = [](char number, int value) {
    return std::string("\x28\0", 2) + number + "\1US\2" + '\0' + char(value) + '\0';
  };
  for (const auto& [number, from, to] :
       {std::tuple{'\1', 12, bits}, std::tuple{'\2', 11, bits - 1}, std::tuple{'\3', 0, int(is_signed)}}) {
    const size_t at = bytes.find(us(number, from));
    EXPECT_NE(at, bytes.npos) << int(number);
    bytes.replace(at, 10, us(number, to));
  }
  return bytes;
}

// White of a codec with more bits than BitsStored comes back as 1023 and some: it turned black.
TEST(GrayChain, OvershootOfLossyCodecsIsWhite) {
  for (const E_TransferSyntax syntax : {EXS_JPEGProcess2_4, EXS_JPEGLSLossy}) {
    SCOPED_TRACE(DcmXfer(syntax).getXferID());
    const std::string bytes = coded_film(syntax, 0, 1023, 10);
    const Picture raw = parse_dicom(bytes, "made");
    const std::vector<float> pixels = parse_film(bytes, "made").image.pixels;
    int beyond = 0;
    for (size_t i = 0; i < 256; ++i) {
      beyond += raw.at(i) > 1023;
      EXPECT_EQ(pixels[i], float(std::min(raw.at(i), 1023) / 1023.0)) << raw.at(i);
    }
    EXPECT_GT(beyond, 0);
  }
}

// 0xE00 of a codec's 12 bits is -512, the least of 10 bits with a sign; 0x1FF is 511.
TEST(GrayChain, OvershootOfLossyCodecsWithASign) {
  for (const auto& [low, high] : {std::pair{0xE00, 0xFF0}, std::pair{0x010, 0x1FF}}) {
    const std::string bytes = coded_film(EXS_JPEGProcess2_4, low, high, 10, true);
    const Picture raw = parse_dicom(bytes, "made");
    const std::vector<float> pixels = parse_film(bytes, "made").image.pixels;
    int beyond = 0;
    for (size_t i = 0; i < 256; ++i) {
      const int value = raw.at(i) < 2048 ? raw.at(i) : raw.at(i) - 4096;
      beyond += value < -512 || value > 511;
      EXPECT_EQ(pixels[i], float((std::clamp(value, -512, 511) + 512) / 1023.0)) << value;
    }
    EXPECT_GT(beyond, 0);
  }
}

// What a lossless codec holds above the stored bits is an overlay, as without a codec.
TEST(GrayChain, OverlaysAboveTheValueOfLosslessCodecs) {
  for (const E_TransferSyntax syntax : {EXS_JPEGProcess14SV1, EXS_JPEGLSLossless}) {
    const std::string bytes = coded_film(syntax, 1024 + 7, 1023, 10);
    const Picture raw = parse_dicom(bytes, "made");
    EXPECT_EQ(raw.at(0), 1031);
    EXPECT_EQ(parse_film(bytes, "made").image.pixels[0], float(7 / 1023.0));
  }
}

Film colour_film(const std::string& photometric, int bits, int alloc, const std::vector<int>& samples,
                 int high = -1) {
  Writer w(Encoding::explicit_little);
  Shape s;
  s.rows = 1;
  s.columns = int(samples.size() / 3);
  s.bits = bits;
  s.alloc = alloc;
  s.high = high;
  s.photometric = photometric;
  s.samples = 3;
  put(w, s);
  if (alloc > 8) return parse_film(file(w.words(0x7FE0, 0x10, "OW", samples)), "made");
  std::string bytes;
  for (const int v : samples) bytes += char(v);
  return parse_film(file(w.text(0x7FE0, 0x10, "OB", bytes)), "made");
}

TEST(GrayChain, ColoursAreOfTheirStoredBits) {
  const Film rgb =
      colour_film("RGB", 12, 16, {4095, 4095, 4095, 2000, 2000, 2000, 4095, 0, 0, 0, 4095, 0, 0, 0, 4095});
  const double wanted[] = {1, 2000 / 4095.0, 0.299, 0.587, 0.114};
  for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(rgb.image.pixels[i], wanted[i], 1e-6);
  const Film shifted = colour_film("RGB", 12, 16, {0xFFF9, 0xFFF1, 0xFFF0}, 15);
  EXPECT_EQ(shifted.image.pixels[0], 1.0f);
  const Film full = colour_film("YBR_FULL", 8, 8, {255, 128, 128, 51, 1, 2});
  EXPECT_EQ(full.image.pixels[0], 1.0f);
  EXPECT_NEAR(full.image.pixels[1], 0.2, 1e-6);
}

// Y1 Y2 Cb Cr for two pixels; PARTIAL has black at 16 and white at 235 (C.7.6.3.1.2).
TEST(GrayChain, HalfChroma) {
  const auto film = [](const std::string& photometric, const std::string& bytes) {
    Writer w(Encoding::explicit_little);
    Shape s;
    s.rows = 1;
    s.columns = 2;
    s.photometric = photometric;
    s.samples = 3;
    return parse_film(file(put(w, s).text(0x7FE0, 0x10, "OB", bytes)), "made").image.pixels;
  };
  EXPECT_EQ(film("YBR_FULL_422", std::string("\xFF\0\x80\x80", 4)), (std::vector<float>{1, 0}));
  EXPECT_EQ(film("YBR_PARTIAL_422", "\xEB\x10\x80\x80"), (std::vector<float>{1, 0}));
  // Labelled as half, stored in full: six bytes.
  EXPECT_EQ(film("YBR_FULL_422", std::string("\xFF\x80\x80\0\x80\x80", 6)), (std::vector<float>{1, 0}));
}

TEST(GrayChain, RefusesPhotometricsThatItDoesNotKnow) {
  for (const char* kind : {"HSV", "ARGB", "MONOCHROME2", "YBR_ICT"}) {
    try {
      colour_film(kind, 8, 8, {1, 2, 3});
      ADD_FAILURE() << kind;
    } catch (const PictureError& e) {
      EXPECT_EQ(e.kind(), "unsupported_photometric");
    }
  }
}

}  // namespace
}  // namespace cawe::data
