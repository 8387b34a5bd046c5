// SPDX-License-Identifier: Apache-2.0
// Every file of the conformance folders as its expected.csv says, and damaged copies of them.
#include "data/formats/picture/picture.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <cstdio>
#include <ctime>
#include <map>

#include "data/decode.h"
#include "data/formats/dicom/film.h"
#include "data/formats/picture/png.h"
#include "data/formats/table/csv.h"
#include "tensor/io/files.h"
#include "tensor/random.h"
#include "tests/data/formats/picture/golden_file.h"
#include "tests/data_dir.h"

namespace cawe::data {
namespace {

using cawe::testing::data_dir;

std::string at(const std::string& path) { return (data_dir() / path).string(); }

/// Rows of an expected.csv as column -> cell.
std::vector<std::map<std::string, std::string>> expected_rows(const std::string& path) {
  const CsvTable table = CsvTable::read(at(path));
  std::vector<std::map<std::string, std::string>> rows;
  for (size_t r = 0; r < table.rows(); ++r) {
    rows.emplace_back();
    for (size_t c = 0; c < table.header().size(); ++c) rows.back()[table.header()[c]] = table.at(r, c);
  }
  return rows;
}

struct Outcome {
  bool ok = false;
  std::string error_kind, error;
  Picture picture;
};

Outcome attempt(const std::string& path) {
  Outcome o;
  try {
    o.picture = read_picture(path);
    o.ok = true;
  } catch (const PictureError& e) {
    o.error_kind = e.kind();
    o.error = e.what();
    EXPECT_EQ(o.error.rfind(path, 0), 0u) << o.error;
    EXPECT_EQ(o.error.find('\n'), std::string::npos) << o.error;
  }
  return o;
}

void expect_dicom(const std::string& folder, const std::map<std::string, std::string>& row) {
  const std::string file = row.at("file");
  SCOPED_TRACE(file);
  const Outcome o = attempt(at(folder + "/" + file));
  const std::string& syntax = row.at("transfer_syntax_uid");
  const bool jpeg_2000 = syntax.rfind("1.2.840.10008.1.2.4.9", 0) == 0;
  if (row.at("expect") == "error") {
    ASSERT_FALSE(o.ok);
    if (!jpeg_2000) {
      EXPECT_EQ(o.error_kind, row.at("error_kind")) << o.error;
    }
    return;
  }
  if (jpeg_2000 || file == "JLSL_08_07_0_1F.dcm") {  // may be refused by name
    ASSERT_FALSE(o.ok);
    EXPECT_EQ(o.error_kind, "unsupported_transfer_syntax") << o.error;
    EXPECT_NE(o.error.find(jpeg_2000 ? "JPEG 2000" : "JPEG-LS"), std::string::npos) << o.error;
    return;
  }
  if (row.at("expect") == "either") return;
  ASSERT_TRUE(o.ok) << o.error;
  const Picture& p = o.picture;
  EXPECT_EQ(std::to_string(p.rows), row.at("rows"));
  EXPECT_EQ(std::to_string(p.columns), row.at("cols"));
  EXPECT_EQ(std::to_string(p.frames), row.at("frames"));
  EXPECT_EQ(std::to_string(p.samples), row.at("samples"));
  EXPECT_EQ(std::to_string(p.bits_stored), row.at("bits_stored"));
  EXPECT_EQ(p.photometric, row.at("photometric"));
  EXPECT_EQ(p.transfer_syntax, syntax);
  if (picture_hash(p) == row.at("sha256")) return;
  ASSERT_EQ(row.at("tolerance"), "2") << "another hash where samples must be exact";
  int low = p.at(0), high = p.at(0);
  double sum = 0;
  for (size_t i = 0; i < p.count(); ++i) {
    low = std::min(low, p.at(i));
    high = std::max(high, p.at(i));
    sum += p.at(i);
  }
  EXPECT_NEAR(low, std::stod(row.at("min")), 2);
  EXPECT_NEAR(high, std::stod(row.at("max")), 2);
  EXPECT_NEAR(sum / double(p.count()), std::stod(row.at("mean")), 0.5);
}

TEST(Conformance, SeventyFiveDicoms) {
  CAWE_NEEDS_DATA("dicom");
  int files = 0;
  for (const std::string folder : {"dicom", "dicom_cxr"})
    for (const auto& row : expected_rows(folder + "/expected.csv")) {
      expect_dicom(folder, row);
      ++files;
    }
  EXPECT_EQ(files, 75);
}

TEST(Conformance, PngAndJpeg) {
  CAWE_NEEDS_DATA("image_conformance");
  int files = 0, hashes = 0;
  for (const auto& row : expected_rows("image_conformance/expected.csv")) {
    ++files;
    SCOPED_TRACE(row.at("file"));
    const Outcome o = attempt(at("image_conformance/" + row.at("file")));
    if (row.at("expect") == "any") continue;
    EXPECT_EQ(o.ok, row.at("expect") == "ok") << o.error << row.at("note");
    if (!o.ok || row.at("expect") != "ok") continue;
    EXPECT_EQ(o.picture.damage.empty(), row.at("file").rfind("jpeg/ref_progressive-missing-", 0) != 0)
        << o.picture.damage;
    EXPECT_EQ(std::to_string(o.picture.columns), row.at("width"));
    EXPECT_EQ(std::to_string(o.picture.rows), row.at("height"));
    // Pillow, which made the hash, compares the transparent gray of fewer than 8 bits unscaled and finds
    // none.
    if (row.at("sha256_rgba8").empty() || row.at("file") == "png/tbbn0g04.png") continue;
    ++hashes;
    EXPECT_EQ(picture_hash(o.picture), row.at("sha256_rgba8"));
  }
  EXPECT_EQ(files, 265);
  EXPECT_GT(hashes, 100);
}

uint32_t crc(std::string_view bytes) {
  uint32_t value = 0xFFFFFFFFu;
  for (const char c : bytes) {
    value ^= uint32_t(static_cast<unsigned char>(c));
    for (int k = 0; k < 8; ++k) value = value >> 1 ^ (value & 1 ? 0xEDB88320u : 0u);
  }
  return ~value;
}

/// Right checksums for a PNG's chunks, so that damage reaches the decoder.
void repair_checksums(std::string& png) {
  const auto number = [&](size_t at) {
    uint32_t v = 0;
    for (size_t k = 0; k < 4; ++k) v = v << 8 | uint32_t(static_cast<unsigned char>(png[at + k]));
    return v;
  };
  for (size_t at = 8; at + 12 <= png.size();) {
    const size_t length = number(at);
    if (length > png.size() - at - 12) return;
    const uint32_t sum = crc(std::string_view(png).substr(at + 4, length + 4));
    for (size_t k = 0; k < 4; ++k) png[at + 8 + length + k] = char(sum >> (24 - 8 * k));
    at += length + 12;
  }
}

/// One of: cut off; bits turned over, half of them in the first kilobyte, where the headers are; bits turned
/// over behind the headers, with checksums put right.
void damage(std::string& bytes, const Random& random) {
  const uint32_t how = random.bits(0) % 3;
  if (how == 0) {
    bytes.resize(random.bits(1) % bytes.size());
    return;
  }
  const size_t size = bytes.size(), first = how == 2 ? std::min<size_t>(size / 2, 1024) : 0;
  for (uint64_t k = 0; k < 1 + random.bits(2) % 16; ++k) {
    const uint64_t place = random.bits(3 + k);
    const size_t range = how == 1 && k % 2 == 1 ? std::min<size_t>(size, 1024) : size - first;
    char& c = bytes[first + place % range];
    c = char(c ^ (1 << (place / range % 8)));
  }
  if (how == 2 && picture_format(bytes) == PictureFormat::png) repair_checksums(bytes);
}

/// True where it was read; anything but a whole picture or one error about the data fails the test.
bool survives(const std::string& bytes) {
  try {
    const Picture p = parse_picture(bytes, "damaged");
    EXPECT_EQ(p.bytes.size(), p.count() * size_t(p.bits_allocated) / 8);
    if (p.kind != "dicom") return true;
    for (const float v : parse_film(bytes, "damaged").image.pixels)
      if (!(v >= 0 && v <= 1)) {
        ADD_FAILURE() << "a film's value of " << v;
        break;
      }
    return true;
  } catch (const PictureError& e) {
    EXPECT_FALSE(e.kind().empty());
    EXPECT_EQ(std::string(e.what()).rfind("damaged: ", 0), 0u) << e.what();
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    return false;
  }
}

TEST(Conformance, DamagedCopies) {
  CAWE_NEEDS_DATA("dicom");
  std::vector<std::string> paths;
  for (const std::string folder : {"dicom", "dicom_cxr", "image_conformance"})
    for (const auto& row : expected_rows(folder + "/expected.csv"))
      paths.push_back(at(folder + "/" + row.at("file")));
  constexpr uint64_t kCopies = 5000;
  double longest = 0;  // s of the processor: how busy the machine is does not count
  uint64_t tried = 0, read = 0;
  for (uint64_t i = 0; tried < kCopies; ++i) {
    const std::string& path = paths[i % paths.size()];
    std::string bytes = read_file(path);
    if (bytes.empty()) continue;
    SCOPED_TRACE(path + " copy " + std::to_string(i));
    damage(bytes, Random(7, "damaged copies", i));
    const std::clock_t start = std::clock();
    read += survives(bytes);
    longest = std::max(longest, double(std::clock() - start) / CLOCKS_PER_SEC);
    ++tried;
  }
  EXPECT_LT(longest, 10.0);
  // Neither may all damage be seen at once nor all be let through: then nothing would be tested.
  EXPECT_GT(read, tried / 20);
  EXPECT_LT(read, tried / 2);
  rusage usage{};
  ASSERT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  EXPECT_LT(usage.ru_maxrss, 1 << 20) << "kB; the largest of these pictures has 2 million samples";
  std::printf("%d damaged copies, %d still read, most memory %ld MB\n", int(tried), int(read),
              usage.ru_maxrss / 1024);
}

FloatImage ramp(int width, int height, int channels) {
  FloatImage image(width, height, channels);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = float(i * 7 % 256) / 255.0f;
  return image;
}

TEST(Png, WhatIsWrittenIsReadBack) {
  for (const int channels : {1, 3}) {
    const FloatImage image = ramp(13, 9, channels);
    const Picture p = parse_png(encode_png(13, 9, channels, 8, to_8bit(image)), "written");
    ASSERT_EQ(p.count(), image.pixels.size());
    for (size_t i = 0; i < p.count(); ++i) EXPECT_EQ(p.at(i), int(i * 7 % 256));
  }
  std::vector<uint16_t> wide;
  for (int i = 0; i < 35; ++i) wide.push_back(uint16_t(i * 1871));
  const Picture p = parse_png(encode_png(7, 5, 1, 16, wide), "written");
  for (size_t i = 0; i < p.count(); ++i) EXPECT_EQ(p.at(i), int(wide[i]));
  wide.resize(30);  // 5 x 2 pixels of RGB
  const Picture colour = parse_png(encode_png(5, 2, 3, 16, wide), "written");
  EXPECT_EQ(colour.samples, 3);
  EXPECT_EQ(colour.bits_stored, 16);
  ASSERT_EQ(colour.count(), 30u);
  for (size_t i = 0; i < 30; ++i) EXPECT_EQ(colour.at(i), int(wide[i]));
}

/// A golden picture of 4 bits with the first `entries` of its 16 colours, and with alpha of one colour where asked.
std::string with_short_palette(const std::string& name, size_t entries, bool alpha) {
  std::string png = golden_picture(name).file;
  const size_t length = png.find("PLTE") - 4;
  png.replace(length, 4, std::string("\0\0\0", 3) + char(3 * entries));
  png.erase(length + 8 + 3 * entries, 48 - 3 * entries);
  if (alpha) png.insert(length + 12 + 3 * entries, std::string("\0\0\0\1tRNS\x7F....", 13));
  repair_checksums(png);
  return png;
}

// 5 x 3 pixels, 1 10 3 12 5, 12 5 14 7 0, 7 0 9 2 11. Refused as in BMP, or black where damage is allowed.
TEST(Png, ColoursOutsideThePalette) {
  const std::vector<int> pixels = {1, 10, 3, 12, 5, 12, 5, 14, 7, 0, 7, 0, 9, 2, 11};
  for (const char* name : {"png_colour_3_depth_4", "png_colour_3_depth_4_interlaced"})
    for (const bool alpha : {false, true}) {
      EXPECT_EQ(kind_of(with_short_palette(name, 15, alpha)), "read");
      const std::string png = with_short_palette(name, 12, alpha);
      std::string text;
      EXPECT_EQ(kind_of(png, {}, &text), "damaged_pixel_data");
      EXPECT_NE(text.find("pixel of colour 14 in a palette of 12"), std::string::npos) << text;
      const Picture p = parse_picture(png, "made", {true});
      EXPECT_EQ(p.damage, "pixel of colour 14 in a palette of 12");
      ASSERT_EQ(p.samples, alpha ? 4 : 3);
      for (size_t i = 0; i < pixels.size(); ++i)
        for (size_t c = 0; c < 3; ++c) {
          const int wanted = pixels[i] < 12 ? (pixels[i] * 83 + int(c) * 50) % 256 : 0;
          EXPECT_EQ(p.at(i * size_t(p.samples) + c), wanted) << i;
        }
      EXPECT_EQ(p.at(9 * size_t(p.samples) + 3), alpha ? 0x7F : p.at(10 * 3)) << "alpha of colour 0";
    }
}

TEST(Png, LevelsAreRoundedHalfUp) {
  FloatImage image(4, 1, 1);
  image.pixels = {-0.5f, 0.5f, 1.0f, 7.0f};
  EXPECT_EQ(to_levels(image, 8), (std::vector<uint16_t>{0, 128, 255, 255}));  // 127.5 becomes 128
  EXPECT_EQ(to_levels(image, 16), (std::vector<uint16_t>{0, 32768, 65535, 65535}));
  // A 12-bit film's values survive 16 bits: v / 4095 as float, times 65535.
  FloatImage film(4096, 1, 1);
  for (int i = 0; i < 4096; ++i) film.pixels[size_t(i)] = float(i) / 4095.0f;
  const std::vector<uint16_t> levels = to_levels(film, 16);
  for (size_t i = 0; i < 4096; ++i) EXPECT_EQ(std::lround(levels[i] / 65535.0 * 4095), long(i));
}

TEST(Dicom, WhatIsWrittenIsSeenTheSame) {
  const FloatImage image = ramp(32, 16, 1);
  for (const bool inverted : {false, true}) {
    DicomToWrite film;
    film.patient_id = "p1";
    film.width = 32;
    film.height = 16;
    film.inverted = inverted;
    film.window_width = 2551;
    film.window_centre = 300 + 0.5 + 1275;
    for (const float v : image.pixels)
      film.values.push_back(uint16_t(std::lround(300 + 2550 * double(inverted ? 1 - v : v))));
    const std::string path = ::testing::TempDir() + "film.dcm";
    write_dicom(path, film);
    const Film seen = parse_film(read_file(path), path);
    EXPECT_EQ(seen.tags.patient_id, "p1");
    ASSERT_EQ(seen.image.pixels.size(), image.pixels.size());
    for (size_t i = 0; i < image.pixels.size(); ++i) EXPECT_NEAR(seen.image.pixels[i], image.pixels[i], 1e-6);
  }
}

double correlation(const FloatImage& a, const FloatImage& b) {
  double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
  const double n = double(a.pixels.size());
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    ma += a.pixels[i] / n;
    mb += b.pixels[i] / n;
  }
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    const double x = a.pixels[i] - ma, y = b.pixels[i] - mb;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / std::sqrt(aa * bb);
}

// Those stored inverted were turned over within their own range, so that brightness may differ by a constant.
TEST(Dicom, InvertedFilmsLookLikeTheirJpegs) {
  CAWE_NEEDS_DATA("dicom_cxr");
  int inverted = 0;
  for (const auto& row : expected_rows("dicom_cxr/expected.csv")) {
    if (row.at("source") != "cxr_tb") continue;
    const std::string name = row.at("file").substr(0, row.at("file").size() - 4);
    const FloatImage film = decode_gray_file(at("dicom_cxr/" + row.at("file")));
    const FloatImage jpeg = decode_gray_file(at("cxr_tb/images/" + name + ".jpg"));
    ASSERT_EQ(film.pixels.size(), jpeg.pixels.size());
    EXPECT_GT(correlation(film, jpeg), 0.99) << name << " " << row.at("photometric");
    inverted += row.at("photometric") == "MONOCHROME1";
  }
  EXPECT_EQ(inverted, 5);
}

}  // namespace
}  // namespace cawe::data
