// SPDX-License-Identifier: Apache-2.0
// Derived DICOM images: read back as written, new identity of the image, old or hashed identity of the
// person.
#include "data/formats/dicom/derived.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "data/decode.h"
#include "data/formats/dicom/elements.h"
#include "data/formats/dicom/film.h"
#include "data/formats/picture/png.h"
#include "data/hash.h"
#include "tensor/io/files.h"
#include "tensor/text.h"
#include "tests/data_dir.h"

namespace cawe::data {
namespace {

using cawe::testing::data_dir;

/// A film of 12 bits with a private block, an operator's name and a comment that must not travel.
std::string source(const std::string& extra = "") {
  std::string body;
  dicom_element(body, 0x8, 0x16, "UI", "1.2.840.10008.5.1.4.1.1.1");
  dicom_element(body, 0x8, 0x18, "UI", "1.2.3.4");
  dicom_element(body, 0x8, 0x20, "DA", "20200102");
  dicom_element(body, 0x8, 0x60, "CS", "CR");
  dicom_element(body, 0x8, 0x1070, "PN", "Operator^Olga");
  dicom_element(body, 0x9, 0x10, "LO", "VENDOR");
  dicom_element(body, 0x9, 0x1001, "LO", "Secret^Sam");
  dicom_element(body, 0x10, 0x10, "PN", "Doe^Jane");
  dicom_element(body, 0x10, 0x20, "LO", "007");
  dicom_element(body, 0x10, 0x30, "DA", "19500102");
  dicom_element(body, 0x10, 0x40, "CS", "F");
  dicom_element(body, 0x10, 0x1010, "AS", "070Y");
  dicom_element(body, 0x10, 0x4000, "LT", "Comment about Jane");
  dicom_element(body, 0x18, 0x1164, "DS", "0.15\\0.14");
  dicom_element(body, 0x18, 0x5101, "CS", "AP");
  dicom_element(body, 0x20, 0xD, "UI", "1.2.3");
  dicom_element(body, 0x20, 0xE, "UI", "1.2.3.1");
  dicom_element(body, 0x28, 2, "US", dicom_us(1));
  dicom_element(body, 0x28, 4, "CS", "MONOCHROME1");
  dicom_element(body, 0x28, 0x10, "US", dicom_us(3));
  dicom_element(body, 0x28, 0x11, "US", dicom_us(5));
  dicom_element(body, 0x28, 0x100, "US", dicom_us(16));
  dicom_element(body, 0x28, 0x101, "US", dicom_us(12));
  dicom_element(body, 0x28, 0x102, "US", dicom_us(11));
  dicom_element(body, 0x28, 0x103, "US", dicom_us(0));
  body += extra;
  std::string pixels;
  for (unsigned i = 0; i < 15; ++i) pixels += dicom_us(i * 273);
  dicom_element(body, 0x7FE0, 0x10, "OW", pixels);
  return dicom_file("1.2.840.10008.5.1.4.1.1.1", "1.2.3.4", body);
}

DicomOrigin origin_of(const std::string& bytes, const std::string& name) {
  return parse_film(bytes, name, {false, false, true}).origin;
}

DerivedImage derived(const FloatImage& image, int bits) {
  DerivedImage d;
  d.width = image.width;
  d.height = image.height;
  d.samples = image.channels;
  d.bits = bits;
  d.values = to_levels(image, bits);
  d.series = "cawe test";
  d.description = "settings";
  return d;
}

TEST(Derived, GrayIsSeenAsItWasWritten) {
  const DecodedFilm film = decode_film(source(), "source");
  EXPECT_EQ(film.bits, 12);
  const DicomOrigin origin = origin_of(source(), "source");
  for (const int bits : {8, 16}) {
    const std::string file = derived_dicom(origin, derived(film.image, bits), Identity::keep);
    const Film back = parse_film(file, "derived");
    EXPECT_EQ(back.tags.bits, bits);
    ASSERT_EQ(back.image.width, 5);
    ASSERT_EQ(back.image.height, 3);
    for (size_t i = 0; i < 15; ++i)
      EXPECT_NEAR(back.image.pixels[i], 1 - double(i) * 273 / 4095, 0.5001 / ((1 << bits) - 1)) << i;
    // And again: nothing drifts.
    const std::string again =
        derived_dicom(origin_of(file, "derived"), derived(back.image, bits), Identity::keep);
    EXPECT_EQ(parse_film(again, "again").image.pixels, back.image.pixels);
  }
}

TEST(Derived, ColourIsStoredAsRgb) {
  FloatImage image(2, 2, 3);
  for (size_t i = 0; i < 12; ++i) image.pixels[i] = float(i) / 11;
  const std::string file = derived_dicom(origin_of(source(), "source"), derived(image, 8), Identity::keep);
  const Picture p = parse_picture(file, "derived");
  EXPECT_EQ(p.photometric, "RGB");
  EXPECT_EQ(p.samples, 3);
  for (size_t i = 0; i < 12; ++i) EXPECT_EQ(p.at(i), int(std::floor(double(i) / 11 * 255 + 0.5))) << i;
  EXPECT_THROW(derived_dicom({}, derived(image, 16), Identity::keep), Error);
}

TEST(Derived, OfThePersonTheIdStaysAndTheImageIsNew) {
  const DecodedFilm film = decode_film(source(), "source");
  const std::string file =
      derived_dicom(origin_of(source(), "source"), derived(film.image, 16), Identity::keep);
  const DicomTags tags = parse_film(file, "derived").tags;
  EXPECT_EQ(tags.patient_id, "007");
  EXPECT_EQ(tags.sex, "");
  EXPECT_TRUE(std::isnan(tags.age));
  EXPECT_EQ(tags.view, "AP");
  EXPECT_EQ(tags.study_instance, "1.2.3");
  EXPECT_EQ(tags.sop_instance.rfind("2.25.", 0), 0u);
  for (const char* kept : {"1.2.3.4", "DERIVED\\SECONDARY", "0.15\\0.14", "settings"})
    EXPECT_NE(file.find(kept), std::string::npos) << kept;
  for (const char* dropped :
       {"Doe", "Jane", "1950", "070Y", "Operator^Olga", "VENDOR", "Secret^Sam", "Comment"})
    EXPECT_EQ(file.find(dropped), std::string::npos) << dropped;
  EXPECT_EQ(file, derived_dicom(origin_of(source(), "source"), derived(film.image, 16), Identity::keep));
}

TEST(Derived, HashLeavesNoNameDateOrOldUid) {
  const DecodedFilm film = decode_film(source(), "source");
  const DicomOrigin origin = origin_of(source(), "source");
  const std::string file = derived_dicom(origin, derived(film.image, 16), Identity::hash);
  for (const char* dropped : {"Doe", "Jane", "007", "2020", "1950", "070Y", "1.2.3", "Olga", "Secret"})
    EXPECT_EQ(file.find(dropped), std::string::npos) << dropped;
  const DicomTags tags = parse_film(file, "derived").tags;
  EXPECT_EQ(tags.patient_id.size(), 32u);
  EXPECT_EQ(tags.sex, "");
  EXPECT_EQ(tags.view, "AP") << "how the film lies says nothing about who it is";
  // A second image of the same study lands in the same study, as another instance.
  DerivedImage other = derived(film.image, 16);
  other.description = "other settings";
  const DicomTags second = parse_film(derived_dicom(origin, other, Identity::hash), "second").tags;
  EXPECT_EQ(second.study_instance, tags.study_instance);
  EXPECT_EQ(second.patient_id, tags.patient_id);
  EXPECT_NE(second.sop_instance, tags.sop_instance);
}

TEST(Derived, PicturesGetAStudyOfTheirOwn) {
  FloatImage image(4, 4, 1);
  const DicomOrigin origin = picture_origin("bytes", "a\\b\n" + std::string(61, 'x') + "\xC3\xA4", false, 16);
  const DicomTags tags = parse_film(derived_dicom(origin, derived(image, 8), Identity::keep), "derived").tags;
  EXPECT_EQ(tags.patient_id.rfind("a_b_x", 0), 0u);
  EXPECT_LE(tags.patient_id.size(), 64u);
  EXPECT_NE(tags.patient_id.back(), '\xC3') << "half a character";
  EXPECT_EQ(tags.study_instance.rfind("2.25.", 0), 0u);
}

TEST(Derived, ThePatientIdOfAPictureIsWhatAPatientIdCanBe) {
  const auto id_of = [](const std::string& film) {
    return picture_origin("bytes", film, false, 16).patient_id;
  };
  const std::string long_name(60, 'x'), umlaut = "\xC3\xA4";
  for (const std::string& kept : {std::string("p1/view 1"), umlaut, std::string(64, 'x'), std::string("x_y")})
    EXPECT_EQ(id_of(kept), kept);
  std::set<std::string> ids{id_of("x_y")};
  const std::vector<std::string> changed{
      "x\\y",
      "x\ny",
      "x\x7Fy",
      "x\xC2\x85y",
      "x\xFFy",
      "x\xC3",
      "x\xED\xA0\x80",
      "x_y ",
      " x_y",
      long_name + "12345",
      long_name + "12346",
      std::string(54, 'x') + umlaut + umlaut + umlaut + umlaut + umlaut + umlaut};
  for (const std::string& film : changed) {
    const std::string id = id_of(film);
    EXPECT_TRUE(ids.insert(id).second) << id;
    EXPECT_TRUE(is_utf8(id)) << id;
    EXPECT_LE(id.size(), 64u);
    EXPECT_EQ(id.substr(id.size() - 9), "-" + sha256(film).substr(0, 8));
    for (const char* forbidden : {"\\", "\n", "\x7F", "\xC2\x85"})
      EXPECT_EQ(id.find(forbidden), std::string::npos) << id;
  }
  EXPECT_EQ(id_of("x\xC2\x85y").substr(0, 4), "x_y-");
  EXPECT_EQ(id_of(changed.back()).substr(0, 55), std::string(54, 'x') + "-") << "half a character";
}

TEST(Derived, LossIsNotForgotten) {
  FloatImage image(4, 4, 1);
  const auto lossy = [&](const DicomOrigin& origin) {
    return derived_dicom(origin, derived(image, 8), Identity::hash).find("ISO_10918_1") != std::string::npos;
  };
  EXPECT_TRUE(lossy(picture_origin("bytes", "a", true, 16)));
  EXPECT_FALSE(lossy(picture_origin("bytes", "a", false, 16)));
  CAWE_NEEDS_DATA("dicom");
  const std::string path = (data_dir() / "dicom/JPEG-lossy.dcm").string();
  const DicomOrigin origin = origin_of(read_file(path), path);
  EXPECT_TRUE(lossy(origin));
  // The file's own, by pydicom: decoding has not made a new one.
  EXPECT_EQ(origin.sop_instance, "1.3.6.1.4.1.5962.1.1.8.1.5.20040826185059.5457");
}

TEST(Derived, AttributesThatCannotBeRightAreRefused) {
  std::string extra;
  dicom_element(extra, 0x28, 0x30, "DS", std::string(1500, '1'));
  EXPECT_THROW(origin_of(source(extra), "long"), PictureError);
  EXPECT_EQ(parse_film(source(extra), "long").tags.patient_id, "007")
      << "nobody asked for the pixels' spacing";
}

TEST(Uid, FollowTheStandardsForm) {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string uid = dicom_uid("key " + std::to_string(i));
    EXPECT_LE(uid.size(), 64u);
    ASSERT_EQ(uid.rfind("2.25.", 0), 0u);
    const std::string number = uid.substr(5);
    EXPECT_EQ(number.find_first_not_of("0123456789"), std::string::npos) << uid;
    EXPECT_NE(number[0], '0');
    EXPECT_LE(number.size(), 39u);
    seen.insert(uid);
  }
  EXPECT_EQ(seen.size(), 200u);
  // sha256("abc") = ba7816bf 8f01cfea 414140de 5dae2223 …, with version 8 and the variant's bits
  // ba7816bf-8f01-8fea-8141-40de5dae2223 = 247859944228867097191300499870369849891 (Python's int).
  EXPECT_EQ(dicom_uid("abc"), "2.25.247859944228867097191300499870369849891");
}

}  // namespace
}  // namespace cawe::data
