// SPDX-License-Identifier: Apache-2.0
// JPEG that lacks scans: what is missing decodes to flat gray without a word of libjpeg's. It is told; where a component is
// in no scan the picture is refused. Arithmetic codes that lack their end decode to noise without a word: refused, too.
#include <cstdlib>
#include <functional>

#include "data/formats/picture/jpeg_markers.h"
#include "data/formats/picture/jpeg_scans.h"
#include "tests/data/formats/picture/arithmetic_jpeg.h"

namespace cawe::data {
namespace {

using namespace std::string_literals;

/// A stream in pieces: what stands in front of each scan, and each scan with its codes.
struct Pieces {
  std::string head;
  std::vector<std::string> scans;
};

Pieces pieces(const std::string& jpeg) {
  std::vector<size_t> starts;
  each_jpeg_segment_and_scan(jpeg, [&](unsigned marker, std::string_view segment) {
    if (marker == 0xDA) starts.push_back(size_t(segment.data() - jpeg.data()) - 4);
    return true;
  });
  Pieces all{jpeg.substr(0, starts.at(0)), {}};
  starts.push_back(jpeg.size() - 2);
  for (size_t i = 0; i + 1 < starts.size(); ++i)
    all.scans.push_back(jpeg.substr(starts[i], starts[i + 1] - starts[i]));
  return all;
}

/// With the scans alone that are wanted. Tables that stand between scans go with the scan in front of them, so that
/// those of a scan left out are kept by `head`.
std::string with_scans(const std::string& jpeg, const std::function<bool(size_t)>& wanted) {
  const Pieces all = pieces(jpeg);
  std::string out = all.head;
  for (size_t i = 0; i < all.scans.size(); ++i) {
    const size_t table = all.scans[i].find("\xFF\xC4");
    if (wanted(i)) out += all.scans[i].substr(0, table);
    if (table != std::string::npos) out += all.scans[i].substr(table);
  }
  return out + "\xFF\xD9";
}

TEST(MissingScans, EveryOneOfAProgressivePictureIsMissed) {
  for (const char* name : {"jpeg_gray_progressive", "jpeg_420_progressive"}) {
    const std::string whole = golden_picture(name).file;
    const size_t scans = pieces(whole).scans.size();
    EXPECT_EQ(scans, whole == golden_picture("jpeg_gray_progressive").file ? 6u : 10u);
    ASSERT_EQ(with_scans(whole, [](size_t) { return true; }), whole);
    EXPECT_EQ(parse_picture(whole, "made").damage, "");
    for (size_t left_out = 0; left_out < scans; ++left_out) {
      const std::string bytes = with_scans(whole, [&](size_t i) { return i != left_out; });
      SCOPED_TRACE(name + " without scan "s + std::to_string(left_out));
      std::string text;
      EXPECT_EQ(kind_of(bytes, {true}, &text), "read");
      EXPECT_NE(text, "");
      // Refused where later scans' codes go out of step by it, which libjpeg says.
      const bool corrupt = text.rfind("libjpeg: ", 0) == 0;
      EXPECT_EQ(kind_of(bytes, {}, &text), corrupt ? "damaged_pixel_data" : "read") << text;
      EXPECT_NE(text, "");
      EXPECT_NE(missing_scans(bytes).text.find("lacks scans of coefficient "), std::string::npos);
    }
  }
}

TEST(MissingScans, AreNamed) {
  const std::string gray = golden_picture("jpeg_gray_progressive").file;
  const auto of_gray = [&](const std::function<bool(size_t)>& wanted) {
    return missing_scans(with_scans(gray, wanted)).text;
  };
  // Its scans: DC but for the last bit; AC 1 to 5 and 6 to 63 but for two; AC but for one; the rest of DC, of AC.
  EXPECT_EQ(of_gray([](size_t i) { return i == 0; }), "component 1 of 1 lacks scans of coefficient 0");
  EXPECT_EQ(of_gray([](size_t i) { return i != 0; }), "component 1 of 1 lacks scans of coefficient 0");
  EXPECT_EQ(of_gray([](size_t i) { return i != 1; }), "component 1 of 1 lacks scans of coefficient 1");
  EXPECT_EQ(of_gray([](size_t i) { return i != 2; }), "component 1 of 1 lacks scans of coefficient 6");
  EXPECT_EQ(of_gray([](size_t i) { return i != 3; }), "component 1 of 1 lacks scans of coefficient 1")
      << "a bit between";
  EXPECT_EQ(of_gray([](size_t) { return false; }), "component 1 of 1 is in no scan");
}

// A flat picture's AC coefficients are zeros, and an encoder may leave their scans out.
TEST(MissingScans, AcCoefficientsThatWereNeverBegunAreZeros) {
  const std::string bytes =
      with_scans(golden_picture("jpeg_gray_progressive").file, [](size_t i) { return i == 0 || i == 4; });
  EXPECT_EQ(kind_of(bytes), "read");
  const Picture p = parse_picture(bytes, "made");
  for (size_t i = 1; i < p.count(); ++i) EXPECT_EQ(p.at(i), p.at(0));
}

/// Three components of the gray picture's codes, each in a scan of its own; those in `left_out` are not there.
std::string sequential(const std::string& left_out = "") {
  Pieces all = pieces(golden_picture("jpeg_gray").file);
  const size_t frame = all.head.find("\xFF\xC0");
  const std::string size = all.head.substr(frame + 4, 5);
  all.head.replace(frame, 13, "\xFF\xC0\0\x11"s + size + "\3\1\x11\0\2\x11\0\3\x11\0"s);
  std::string out = all.head;
  for (const char id : {'\1', '\2', '\3'}) {
    std::string scan = all.scans.at(0);
    scan[5] = id;
    if (left_out.find(id) == std::string::npos) out += scan;
  }
  return out + "\xFF\xD9";
}

TEST(MissingScans, SequentialPicturesNeedEveryComponent) {
  EXPECT_EQ(kind_of(sequential()), "read");
  const GoldenPicture gray = golden_picture("jpeg_gray");
  const Picture p = parse_picture(sequential(), "made");
  ASSERT_EQ(p.samples, 3);
  // Cb and Cr are the gray value, too: G = Y - 0.714136 (Cr - 128) - 0.344136 (Cb - 128), from 0 to 255.
  for (size_t i = 0; i < size_t(p.rows * p.columns); ++i) {
    const double y = gray.values[3 * i], g = y - (0.714136 + 0.344136) * (y - 128);
    EXPECT_NEAR(p.at(3 * i + 1), g, 3);
  }
  for (const auto& [left_out, word] : {std::pair{"\1"s, "component 1 of 3 is in no scan"},
                                       {"\2"s, "component 2 of 3 is in no scan"},
                                       {"\3"s, "component 3 of 3 is in no scan"},
                                       {"\1\3"s, "component 1 of 3 is in no scan"}}) {
    std::string text;
    EXPECT_EQ(kind_of(sequential(left_out), {}, &text), "damaged_pixel_data");
    EXPECT_NE(text.find(word), std::string::npos) << text;
    EXPECT_EQ(kind_of(sequential(left_out), {true}, &text), "read");
    EXPECT_EQ(text, word);
  }
}

// What libjpeg says of the codes comes first, and a file that is cut off stays one.
TEST(MissingScans, ACutOffPictureIsCutOff) {
  const std::string whole = golden_picture("jpeg_gray_progressive").file;
  const size_t second = pieces(whole).head.size() + pieces(whole).scans[0].size();
  std::string text;
  EXPECT_EQ(kind_of(whole.substr(0, second), {}, &text), "truncated_pixel_data");
  EXPECT_NE(text.find("Premature end"), std::string::npos) << text;
}

TEST(MissingScans, ReadsMarkersOnly) {
  EXPECT_EQ(missing_scans("").text, "");
  EXPECT_EQ(missing_scans("\xFF\xD8\xFF\xC0").text, "");
  EXPECT_EQ(missing_scans("\xFF\xD8\xFF\xF7\0\x0B\x08\0\1\0\1\1\1\x11\0\xFF\xD9"s).text, "") << "JPEG-LS";
  for (const char* name : {"jpeg_gray_progressive", "jpeg_420_progressive", "jpeg_cmyk", "jpeg_restart"}) {
    const std::string whole = golden_picture(name).file;
    EXPECT_EQ(missing_scans(whole).text, "") << name;
    for (size_t size = 0; size < whole.size(); ++size) missing_scans(whole.substr(0, size));
  }
}

TEST(ArithmeticCodes, WholeOnesAreRead) {
  for (const std::string& jpeg : {arithmetic_jpeg(), arithmetic_progressive_jpeg()}) {
    std::string text;
    EXPECT_EQ(kind_of(jpeg, {}, &text), "read") << text;
    EXPECT_EQ(text, "");
    const Picture p = parse_picture(jpeg, "made");
    ASSERT_EQ(p.count(), size_t(kArithmeticWidth * kArithmeticHeight));
    double off = 0;
    for (int i = 0; i < int(p.count()); ++i)
      off += std::abs(p.at(size_t(i)) - arithmetic_value(i % kArithmeticWidth, i / kArithmeticWidth));
    EXPECT_LT(off / double(p.count()), 25) << "quality 25; another picture is 60 off";
  }
}

// The last zeros of codes need not be written. A black picture's are nearly all zeros.
TEST(ArithmeticCodes, ZerosMayBeLeftOut) {
  const std::string jpeg = black_arithmetic_jpeg();
  EXPECT_EQ(kind_of(jpeg), "read");
  const Picture p = parse_picture(jpeg, "made");
  EXPECT_EQ(p.damage, "");
  EXPECT_EQ(p.bytes, std::vector<uint8_t>(192 * 192, 0));
  // Written out they are the same picture; more of them are left over.
  std::string more = arithmetic_jpeg();
  more.insert(more.size() - 2, 3, '\0');
  EXPECT_EQ(kind_of(more), "read");
  EXPECT_EQ(parse_picture(more, "made").bytes, parse_picture(arithmetic_jpeg(), "made").bytes);
}

TEST(ArithmeticCodes, ALostEndIsRefusedOrTold) {
  const char* const lack = "arithmetic codes end too early: their scan goes on without any";
  for (const std::string& jpeg : {arithmetic_jpeg(), arithmetic_progressive_jpeg()})
    for (const size_t lost : {80u, 120u, 150u}) {
      SCOPED_TRACE(lost);
      const std::string bytes = without_last_codes(jpeg, lost);
      std::string text;
      EXPECT_EQ(kind_of(bytes, {}, &text), "damaged_pixel_data");
      EXPECT_NE(text.find(lack), std::string::npos) << text;
      EXPECT_NE(text.find("--allow-damaged"), std::string::npos) << text;
      EXPECT_EQ(kind_of(bytes, {true}, &text), "read");
      EXPECT_EQ(text, lack);
    }
  // What was coded before the loss is what it was.
  const Picture whole = parse_picture(arithmetic_jpeg(), "made"),
                cut = parse_picture(without_last_codes(arithmetic_jpeg(), 150), "made", {true});
  EXPECT_TRUE(std::equal(whole.bytes.begin(), whole.bytes.begin() + 16 * 64, cut.bytes.begin()));
  EXPECT_NE(whole.bytes, cut.bytes);
}

TEST(ArithmeticCodes, OtherDamageKeepsItsWords) {
  std::string text, jpeg = arithmetic_jpeg();
  EXPECT_EQ(kind_of(jpeg.substr(0, jpeg.size() - 100), {}, &text), "truncated_pixel_data");
  jpeg.insert(jpeg.size() - 2, 20, 'x');
  EXPECT_EQ(kind_of(jpeg, {}, &text), "damaged_pixel_data");
  EXPECT_NE(text.find("extraneous bytes before marker 0xd9"), std::string::npos) << text;
  EXPECT_EQ(text.find(" 5"), std::string::npos) << "the zeros that were put there are not counted: " << text;
}

// T.81 B.1.1.5: 0 stands behind 0xFF in codes; B.1.1.2: any number of 0xFF in front of a marker.
TEST(ArithmeticCodes, ZerosAreSparedBehindCodesAlone) {
  const std::string zeros(size_t(kSpareZeros), '\0');
  const std::string scan = "\xFF\xDA\0\x08\1\1\0\0\x3F\0"s;
  const std::string codes = "a\xFF\0b\xFF\xFF\0c\xFF\xD0z"s, end = "\xFF\xFF\xFF\xD9"s;
  const auto frame = [](char marker) { return "\xFF\xD8\xFF"s + marker + "\0\x0B\x08\0\1\0\1\1\1\x11\0"s; };
  EXPECT_EQ(with_spare_zeros(frame('\xC9') + scan + codes + end).stream,
            frame('\xC9') + scan + codes + zeros + end);
  EXPECT_EQ(with_spare_zeros(frame('\xC9') + scan + codes).stream, frame('\xC9') + scan + codes + zeros);
  EXPECT_EQ(with_spare_zeros(frame('\xC9') + scan + codes + end).scans, 1u);
  for (const char huffman : {'\xC0', '\xC1', '\xC2'})
    EXPECT_EQ(with_spare_zeros(frame(huffman) + scan + codes + end).stream, "");
  EXPECT_EQ(with_spare_zeros("").stream, "");
  const std::string six_scans = arithmetic_progressive_jpeg();
  const SpareZeros progressive = with_spare_zeros(six_scans);
  EXPECT_EQ(progressive.stream.size(), six_scans.size() + 6 * zeros.size());
  EXPECT_EQ(progressive.scans, 5u) << "all but the refinement of DC";
  for (size_t size = 0; size < six_scans.size(); ++size) with_spare_zeros(six_scans.substr(0, size));
}

}  // namespace
}  // namespace cawe::data
