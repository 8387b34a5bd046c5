// SPDX-License-Identifier: Apache-2.0
// Files made to exhaust a decoder: each is refused at once, by what it declares against what it holds.
#include "data/formats/hostile.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <new>

#include "data/decode.h"
#include "data/formats/dicom/film.h"
#include "data/formats/dicom/structure.h"
#include "data/formats/picture/picture.h"
#include "data/formats/picture/png.h"
#include "tensor/io/files.h"

/// Largest array that was asked for without exceptions, which is how DCMTK asks.
size_t largest_array = 0;

void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  largest_array = std::max(largest_array, bytes);
  try {
    return ::operator new[](bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

namespace cawe::data {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

std::string little(uint32_t v, int bytes) {
  std::string out;
  for (int k = 0; k < bytes; ++k) out += char(v >> (8 * k));
  return out;
}

std::string element(unsigned group, unsigned number, const std::string& vr, std::string value) {
  if (value.size() % 2 != 0) value += vr == "UI" ? '\0' : ' ';
  const uint32_t size = uint32_t(value.size());
  return little(group, 2) + little(number, 2) + vr +
         (vr == "OB" ? little(0, 2) + little(size, 4) : little(size, 2)) + value;
}

std::string head(const std::string& syntax) {
  const std::string meta = element(2, 1, "OB", "\0\1"s) + element(2, 0x10, "UI", syntax);
  return std::string(128, '\0') + "DICM" + element(2, 0, "UL", little(uint32_t(meta.size()), 4)) + meta;
}

/// Elements up to the pixels, 8 bits gray.
std::string geometry(unsigned rows, unsigned columns) {
  std::string out = element(0x28, 2, "US", little(1, 2)) + element(0x28, 4, "CS", "MONOCHROME2");
  out += element(0x28, 0x10, "US", little(rows, 2)) + element(0x28, 0x11, "US", little(columns, 2));
  for (const auto& [number, value] : {std::pair{0x100u, 8u}, {0x101u, 8u}, {0x102u, 7u}, {0x103u, 0u}})
    out += element(0x28, number, "US", little(value, 2));
  return out;
}

std::string encapsulated(std::string stream) {
  if (stream.size() % 2 != 0) stream += '\0';
  return little(0x7FE0, 2) + little(0x10, 2) + "OB\0\0\xFF\xFF\xFF\xFF"s + "\xFE\xFF\x00\xE0"s +
         little(0, 4) + "\xFE\xFF\x00\xE0"s + little(uint32_t(stream.size()), 4) + stream +
         "\xFE\xFF\xDD\xE0"s + little(0, 4);
}

std::string deflated(const std::string& bytes, int window_bits) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&z, uLong(bytes.size())) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = uInt(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = uInt(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - z.avail_out);
  deflateEnd(&z);
  return out;
}

std::string kind_of(const std::string& bytes, const std::string& name = "made") {
  try {
    parse_picture(bytes, name);
    return "read";
  } catch (const PictureError& e) {
    return e.kind();
  }
}

constexpr const char* kExplicit = "1.2.840.10008.1.2.1";
constexpr const char* kDeflated = "1.2.840.10008.1.2.1.99";

std::string nested(int levels) {
  std::string out;
  for (int i = 0; i < levels; ++i)
    out += little(8, 2) + little(0x1140, 2) + "SQ\0\0\xFF\xFF\xFF\xFF"s + "\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF"s;
  return out;
}

// DCMTK recurses once a level: 7000 levels, 140 kB, were the end of an 8 MB stack.
TEST(Hostile, SequencesInSequences) {
  EXPECT_EQ(kind_of(head(kExplicit) + nested(20000)), "bad_header");
  EXPECT_EQ(kind_of(head(kDeflated) + deflated(nested(20000), -15)), "bad_header");
  EXPECT_EQ(kind_of(head(kExplicit) + nested(100)), "truncated_header");
}

TEST(Hostile, DeflatedDicomThatUnfoldsEndlessly) {
  const std::string pixels = element(0x7FE0, 0x10, "OB", std::string(64 * 64, 'x'));
  EXPECT_EQ(kind_of(head(kDeflated) + deflated(geometry(64, 64) + pixels, -15)), "read");
  const uint32_t size = uint32_t(kMaxInflated) + (1 << 20);
  const std::string bomb =
      little(9, 2) + little(0x1010, 2) + "OB\0\0"s + little(size, 4) + std::string(size, '\0');
  EXPECT_EQ(kind_of(head(kDeflated) + deflated(bomb + geometry(64, 64) + pixels, -15)), "bad_size");
}

// Found by fuzzing: shorter than a preamble, yet it names the deflated syntax.
TEST(Hostile, DeflatedDicomCutBeforeItsData) {
  EXPECT_THROW(check_dicom_structure(std::string(100, 'x') + kDeflated, "made"), PictureError);
  const std::string whole = head(kDeflated);
  EXPECT_EQ(kind_of(whole.substr(0, whole.size() - 3)), "truncated_header");
}

/// An element that says it has 4 GB, and has 4 bytes.
std::string long_element(const std::string& vr) {
  return little(9, 2) + little(0x1010, 2) + vr + "\0\0\xF0\xFF\xFF\xFE"s + "abcd";
}

// Found by fuzzing: room was made for what the element says before its end was looked for.
TEST(Hostile, ElementsLongerThanTheFile) {
  const std::string item = "\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF"s,
                    sequence = little(8, 2) + little(0x1140, 2) + "SQ\0\0\xFF\xFF\xFF\xFF"s + item;
  std::string fragment = encapsulated("junk");
  fragment.replace(fragment.find("junk") - 4, 4, "\xF0\xFF\xFF\xFE");
  for (const std::string& body : {long_element("OB"), long_element("UN"), long_element("UT"),
                                  sequence + long_element("OW"), geometry(8, 8) + fragment})
    for (const bool folded : {false, true}) {
      largest_array = 0;
      const std::string file = folded ? head(kDeflated) + deflated(body, -15) : head(kExplicit) + body;
      EXPECT_EQ(kind_of(file).substr(0, 10), "truncated_");
      EXPECT_LT(largest_array, size_t(1) << 20);
    }
}

// Long values are read when they are asked for: here out of the midst of deflated data.
TEST(Hostile, LongElementsAreReadFromWhereTheyAre) {
  std::string pixels(100 * 100, '\0'), other(8000, 'z');
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = char(i * 7 % 251);
  const std::string body = element(9, 0x1010, "OB", other) + geometry(100, 100) +
                           element(0x7FE0, 0x10, "OB", pixels) + element(0x7FE1, 0x1010, "OB", other);
  for (const std::string& file : {head(kExplicit) + body, head(kDeflated) + deflated(body, -15)}) {
    const Picture p = parse_picture(file, "made");
    EXPECT_EQ(std::string(p.bytes.begin(), p.bytes.end()), pixels);
  }
}

std::string chunk(const std::string& type, const std::string& body) {
  const auto big = [](uint32_t v) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out += char(v >> shift);
    return out;
  };
  const std::string text = type + body;
  return big(uint32_t(body.size())) + text +
         big(uint32_t(crc32(0, reinterpret_cast<const Bytef*>(text.data()), uInt(text.size()))));
}

/// 16 x 16, 8 bits gray, whose data unfold to `raw` bytes of 0.
std::string png(size_t raw) {
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", "\0\0\0\x10\0\0\0\x10\x08\0\0\0\0"s) +
         chunk("IDAT", deflated(std::string(raw, '\0'), 15)) + chunk("IEND", "");
}

TEST(Hostile, PngDataMustUnfoldToWhatTheHeaderSays) {
  EXPECT_EQ(kind_of(png(17 * 16)), "read");
  EXPECT_EQ(kind_of(png(17 * 16 - 1)), "truncated_pixel_data");
  // Some bytes too many are read, as libpng reads them; the picture is the same.
  EXPECT_EQ(kind_of(png(17 * 16 + 7)), "read");
  EXPECT_EQ(parse_picture(png(17 * 16 + 7), "more").bytes, parse_picture(png(17 * 16), "right").bytes);
  EXPECT_EQ(kind_of(png(17 * 16 + size_t(kSparePngBytes))), "read");
  EXPECT_EQ(kind_of(png(17 * 16 + size_t(kSparePngBytes) + 1)), "bad_size");
  EXPECT_EQ(kind_of(png(size_t(1) << 26)), "bad_size");
}

// The smallest stream that has a frame header: start of image, start of frame, end.
std::string jpeg_header(int rows, int columns) {
  const auto big = [](int v) { return std::string{char(v >> 8), char(v)}; };
  return "\xFF\xD8\xFF\xC0\x00\x0B\x08"s + big(rows) + big(columns) + "\x01\x01\x11\x00"s;
}

TEST(Hostile, JpegInDicomOfAnotherSize) {
  const std::string syntax = "1.2.840.10008.1.2.4.50", end = "\xFF\xD9"s;
  EXPECT_EQ(kind_of(head(syntax) + geometry(64, 64) + encapsulated(jpeg_header(20000, 20000) + end)),
            "bad_header");
  EXPECT_EQ(kind_of(head(syntax) + geometry(64, 64) + encapsulated("\xFF\xD8"s + end)),
            "truncated_pixel_data");
}

TEST(Hostile, JpegOfManyScans) {
  std::string scans;
  for (size_t i = 0; i <= kMaxJpegScans; ++i) scans += "\xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00\x7F"s;
  EXPECT_EQ(kind_of(jpeg_header(64, 64) + scans), "bad_header");
  EXPECT_EQ(
      kind_of(head("1.2.840.10008.1.2.4.50") + geometry(64, 64) + encapsulated(jpeg_header(64, 64) + scans)),
      "bad_header");
}

TEST(Hostile, ScanReadsMarkersOnly) {
  const JpegFrame frame = scan_jpeg("\xFF\xD8\xFF\xE0\x00\x04\xFF\xC0"s + jpeg_header(3, 700).substr(2));
  EXPECT_EQ(frame.rows, 3);
  EXPECT_EQ(frame.columns, 700);
  EXPECT_EQ(frame.scans, 0u);
  EXPECT_EQ(scan_jpeg("").rows, 0);
  EXPECT_EQ(scan_jpeg("\xFF\xD8\xFF"sv).rows, 0);
}

TEST(Hostile, BmpAndPnmThatLackPixels) {
  const std::string bmp = "BM" + little(54 + 8 * 2, 4) + little(0, 4) + little(54, 4) + little(40, 4) +
                          little(2, 4) + little(2, 4) + little(1, 2) + little(24, 2) + std::string(24, '\0') +
                          std::string(16, 'p');
  EXPECT_EQ(kind_of(bmp), "read");
  EXPECT_EQ(kind_of(bmp.substr(0, bmp.size() - 3)), "truncated_pixel_data");  // two are filling
  const std::string pnm = "P5 # with a comment\n4 2\n255\n12345678";
  EXPECT_EQ(kind_of(pnm), "read");
  EXPECT_EQ(kind_of(pnm.substr(0, pnm.size() - 1)), "truncated_pixel_data");
}

TEST(Hostile, SizesBeyondTheLimit) {
  EXPECT_EQ(kind_of(head(kExplicit) + geometry(16385, 1) + element(0x7FE0, 0x10, "OB", "ab")), "bad_size");
  EXPECT_EQ(kind_of(jpeg_header(16385, 1)), "bad_header");  // no picture behind it
  EXPECT_EQ(kind_of("\x89PNG\r\n\x1a\n" + chunk("IHDR", "\0\0\x40\x01\0\0\0\x01\x08\0\0\0\0"s)), "bad_size");
}

// A name never says what a file is; but a .dcm that is none was damaged or renamed.
TEST(Picture, ContentDecides) {
  EXPECT_EQ(kind_of(png(17 * 16), "x.jpg"), "read");
  EXPECT_EQ(kind_of(png(17 * 16), "x.dcm"), "not_dicom_or_no_preamble");
  EXPECT_EQ(kind_of("text", "x.png"), "unknown_format");
  EXPECT_EQ(kind_of("", "x.png"), "empty_file");
}

// Here JPEG 2000, which is not read: found when the data are read, not when training comes to the film.
TEST(Dicom, PixelsThatCannotBeDecodedAreKnownBeforeTraining) {
  const std::string body = element(8, 0x18, "UI", "2.25.7") + element(0x10, 0x20, "LO", "P 1") +
                           element(0x28, 0x10, "US", little(5, 2)) + element(0x28, 0x11, "US", little(9, 2));
  const std::string bytes = head("1.2.840.10008.1.2.4.90") + body + encapsulated("junk");
  EXPECT_NE(kind_of(bytes), "read");
  EXPECT_THROW(image_facts(bytes, "made"), PictureError);
}

// `cawe inspect --json` promises these keys and no others.
TEST(Picture, InspectHasTheContractsKeys) {
  const std::string path = ::testing::TempDir() + "sixteen.png";
  write_file(path, png(17 * 16));
  bool ok = false;
  const std::string sum = picture_hash(read_picture(path));
  EXPECT_EQ(inspect_picture_json(path, &ok),
            "{\"file\":\"" + path +
                "\",\"kind\":\"png\",\"rows\":16,\"columns\":16,\"frames\":1,\"samples\":1,\"bits\":8,"
                "\"photometric\":\"MONOCHROME2\",\"transfer_syntax\":\"\",\"sha256\":\"" +
                sum + "\"}");
  EXPECT_TRUE(ok);
  write_file(path, std::string());
  EXPECT_EQ(inspect_picture_json(path, &ok),
            "{\"file\":\"" + path + "\",\"error\":\"" + path +
                ": empty file (expected DICOM, PNG or JPEG)\",\"error_kind\":\"empty_file\"}");
  EXPECT_FALSE(ok);
}

}  // namespace
}  // namespace cawe::data
