// SPDX-License-Identifier: Apache-2.0
// JPEG whose pixels libjpeg has to guess: refused in its words, or read and listed where that is allowed. What JPEG
// damages without a trace is not found: it has no checksum.
#include <algorithm>

#include "data/dataset.h"
#include "data/decode.h"
#include "data/fingerprint.h"
#include "tensor/io/files.h"
#include "tests/data/formats/picture/golden_file.h"

namespace cawe::data {
namespace {

using namespace std::string_literals;

constexpr ReadOptions kAllow = {true};

std::string noise() { return golden_picture("noise").file; }

/// Where the entropy-coded data begin.
size_t scan_of(const std::string& jpeg) {
  const size_t at = jpeg.rfind("\xFF\xDA");
  return at + 2 +
         (size_t(static_cast<unsigned char>(jpeg[at + 2])) << 8 |
          size_t(static_cast<unsigned char>(jpeg[at + 3])));
}

/// A third of the scan is zeros.
std::string with_hole() {
  std::string jpeg = noise();
  const size_t begin = scan_of(jpeg), n = (jpeg.size() - begin) / 3;
  std::fill_n(jpeg.begin() + long(begin + n), n, '\0');
  return jpeg;
}

TEST(DamagedJpeg, IsRefusedInLibjpegsWords) {
  std::string text;
  EXPECT_EQ(kind_of(with_hole(), {}, &text), "damaged_pixel_data");
  EXPECT_NE(text.find("libjpeg: Corrupt JPEG data"), std::string::npos) << text;
  EXPECT_NE(text.find("--allow-damaged"), std::string::npos) << text;
  EXPECT_NE(text.find("data.allow_damaged"), std::string::npos) << text;
  EXPECT_EQ(kind_of(with_hole(), kAllow, &text), "read");
  EXPECT_EQ(text.rfind("libjpeg: Corrupt JPEG data", 0), 0u) << text;
}

// Above the hole every sample is what it was.
TEST(DamagedJpeg, IsReadAsFarAsItGoes) {
  const GoldenPicture whole = golden_picture("noise");
  const Picture p = parse_picture(with_hole(), "made", kAllow);
  ASSERT_EQ(p.count(), size_t(48 * 48));
  for (size_t i = 0; i < 48 * 8; ++i) EXPECT_NEAR(p.at(i), whole.values[3 * i], 1);
}

// Bytes left over behind a scan say that the codes went out of step; a few are an encoder's filling.
TEST(DamagedJpeg, BytesLeftBehindAScan) {
  for (const size_t n : {1u, 3u, 20u, 600u}) {
    std::string jpeg = noise(), text;
    jpeg.insert(jpeg.size() - 2, std::string(n, '\x55'));
    EXPECT_EQ(kind_of(jpeg, {}, &text), n <= 3 ? "read" : "damaged_pixel_data") << n;
    if (n > 3) {
      EXPECT_NE(text.find("extraneous bytes before marker 0xd9"), std::string::npos) << text;
    }
  }
}

TEST(DamagedJpeg, HarmlessOddities) {
  const std::string jpeg = noise();
  const size_t quantizers = jpeg.find("\xFF\xDB");
  std::string text;
  for (const std::string& odd :
       {jpeg + std::string(1000, '\0'), jpeg + "junk", std::string(jpeg).insert(quantizers, 500, '\x11'),
        std::string(jpeg).insert(quantizers, "\xFF\xFF\xFF"), std::string(jpeg).replace(11, 1, "\x7")}) {
    EXPECT_EQ(kind_of(odd, {}, &text), "read") << text;
    EXPECT_EQ(parse_picture(odd, "made").bytes, parse_picture(jpeg, "made").bytes);
    EXPECT_EQ(parse_picture(odd, "made").damage, "");
  }
}

TEST(DamagedJpeg, CutOff) {
  const std::string jpeg = noise();
  std::string text;
  for (const size_t n : {jpeg.size() - 2, jpeg.size() * 4 / 5, scan_of(jpeg) + 10}) {
    EXPECT_EQ(kind_of(jpeg.substr(0, n), {}, &text), "truncated_pixel_data") << n;
    EXPECT_NE(text.find("Premature end"), std::string::npos) << text;
    EXPECT_NE(text.find("--allow-damaged"), std::string::npos) << text;
    EXPECT_EQ(kind_of(jpeg.substr(0, n), kAllow, &text), "read");
    EXPECT_NE(text.find("Premature end"), std::string::npos) << text;
  }
  // Only the mark of the end is missing: the pixels are all there, and the same.
  EXPECT_EQ(parse_picture(jpeg.substr(0, jpeg.size() - 2), "made", kAllow).bytes,
            parse_picture(jpeg, "made").bytes);
  EXPECT_NE(kind_of(jpeg.substr(0, scan_of(jpeg) - 20), kAllow), "read");  // no scan at all
}

// Every film that is read although damaged is told of, once, where it is found; the others stay as they are.
TEST(DamagedJpeg, DatasetsListIt) {
  const std::string folder = ::testing::TempDir();
  write_file(folder + "whole.jpg", noise());
  write_file(folder + "hole.jpg", with_hole());
  const auto made = [&](bool allow) {
    Dataset d;
    for (const char* name : {"whole", "hole"}) {
      Sample s;
      s.image_id = name;
      s.path = folder + name + ".jpg";
      s.allow_damaged = allow;
      d.samples.push_back(s);
    }
    ReadOptions options;
    options.allow_damaged = allow;
    resolve_images(&d, image_facts_with(options));
    return d;
  };
  const Dataset strict = made(false), open = made(true);
  ASSERT_EQ(strict.samples.size(), 1u);
  ASSERT_EQ(strict.rejected.size(), 1u);
  EXPECT_NE(strict.rejected[0].reason.find("damaged pixels"), std::string::npos) << strict.rejected[0].reason;
  EXPECT_TRUE(strict.warnings.empty());
  ASSERT_EQ(open.samples.size(), 2u);
  ASSERT_EQ(open.warnings.size(), 1u);
  EXPECT_EQ(open.warnings[0].rfind(folder + "hole.jpg: damaged, read all the same: libjpeg: ", 0), 0u)
      << open.warnings[0];
  EXPECT_EQ(open.samples[0].damage, "");
  EXPECT_NE(open.samples[1].damage, "");
  EXPECT_EQ(decode_gray(open.samples[1]).width, 48);
  Sample closed = open.samples[1];
  closed.allow_damaged = false;
  EXPECT_THROW(decode_gray(closed), PictureError);
}

// With data.check_images = false nobody has looked before: told on stderr when it is decoded, once a file.
TEST(DamagedJpeg, FoundWhenDecodedIsToldOnce) {
  Sample s;
  s.path = ::testing::TempDir() + "unseen.jpg";
  s.allow_damaged = true;
  write_file(s.path, with_hole());
  ::testing::internal::CaptureStderr();
  decode_gray(s);
  decode_color(s);
  decode_gray(s);
  const std::string told = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(told.rfind("cawe: warning: " + s.path + ": damaged", 0), 0u) << told;
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1) << told;
}

}  // namespace
}  // namespace cawe::data
