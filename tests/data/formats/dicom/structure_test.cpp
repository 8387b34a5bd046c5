// SPDX-License-Identifier: Apache-2.0
// Files made to keep the parser busy, and DICOM objects that are no pictures.
#include "data/formats/dicom/structure.h"

#include <gtest/gtest.h>

#include <ctime>

#include "data/decode.h"
#include "data/formats/dicom/film.h"
#include "tensor/io/files.h"
#include "tests/data/formats/dicom/dicom_bytes.h"
#include "tests/data/formats/dicom/refusal.h"

namespace cawe::data {
namespace {

using namespace dicom_bytes;
using namespace std::string_literals;

/// A film with `more` in place before its group 28.
std::string film_with(const Writer& more) {
  Writer w(more.encoding());
  w.append(more.bytes());
  return file(put(w, Shape()).text(0x7FE0, 0x10, "OB", std::string(12, 'p')));
}

constexpr Encoding kEncodings[] = {Encoding::implicit_little, Encoding::explicit_little,
                                   Encoding::explicit_big, Encoding::deflated};

constexpr const char* kTooMany = "bad_header: made: DICOM with more than 10000 elements";

// DCMTK sorts elements by a search from the end: 4 MB of them in falling order took over a minute, before they were
// counted while they are read.
TEST(Structure, ElementsInFallingOrder) {
  for (const Encoding encoding : kEncodings) {
    Writer w(encoding);
    for (unsigned group = 0x7F00; group > 8 && w.bytes().size() < (4u << 20); group -= 2)
      for (unsigned number = 0x40; number > 0; --number) w.raw(group, number, "SH", "");
    EXPECT_EQ(refusal(film_with(w)), kTooMany);
  }
}

TEST(Structure, PrivateElementsOfManyCreators) {
  Writer w(Encoding::explicit_little);
  for (unsigned group = 9; group < 0x2000 && w.bytes().size() < (4u << 20); group += 2)
    for (unsigned number = 0x10; number < 0xFF; ++number)
      w.text(group, number, "LO", "M").raw(group, number << 8, "UN", "");
  EXPECT_EQ(refusal(film_with(w)), kTooMany);
}

TEST(Structure, TheSameElementAgainAndAgain) {
  Writer w(Encoding::explicit_little);
  while (w.bytes().size() < (4u << 20)) w.text(0x10, 0x20, "LO", "P1");
  EXPECT_EQ(refusal(film_with(w)), kTooMany);
}

TEST(Structure, ElementsInItems) {
  Writer item(Encoding::explicit_little), w(Encoding::explicit_little);
  for (unsigned number = 0x4000; number > 0; --number) item.raw(0x20, number, "SH", "");
  for (unsigned k = 1; k < 20; ++k) w.item(8, k, item);
  EXPECT_EQ(refusal(film_with(w)), kTooMany);
}

// As many as a film may have, in the worst order.
TEST(Structure, AsManyElementsAsMayBe) {
  Writer w(Encoding::explicit_little);
  for (unsigned n = 9900; n > 0; --n) w.raw(0x26, n, "SH", "");
  const std::clock_t begin = std::clock();
  EXPECT_EQ(refusal(film_with(w)), "read");
  EXPECT_LT(double(std::clock() - begin) / CLOCKS_PER_SEC, 10.0) << "s of the processor";
}

std::string object(const std::string& sop_class, bool in_meta, int items = 3) {
  Writer w(Encoding::explicit_little), one(Encoding::explicit_little);
  w.text(8, 0x16, "UI", in_meta ? "1.2.3" : sop_class);
  one.text(4, 0x1430, "CS", "IMAGE");
  for (int i = 0; i < items; ++i) w.item(0x8, 0x1140 + 2 * unsigned(i), one);
  return file(w, "", in_meta ? sop_class : "1.2.3");
}

TEST(Structure, ObjectsThatAreNoPictures) {
  const std::string names[][2] = {
      {"1.2.840.10008.1.3.10", "is a DICOMDIR, an index of other files: has no picture"},
      {"1.2.840.10008.5.1.4.1.1.88.33", "is a Structured Report: has no picture"},
      {"1.2.840.10008.5.1.4.1.1.88.59", "is a Key Object Selection"},
      {"1.2.840.10008.5.1.4.1.1.11.1", "is a Presentation State"},
      {"1.2.840.10008.5.1.4.1.1.104.1", "is an encapsulated document"},
      {"1.2.840.10008.5.1.4.1.1.9.1.1", "is a waveform"}};
  for (const auto& [sop_class, what] : names)
    for (const bool in_meta : {true, false}) {
      const std::string error = refusal(object(sop_class, in_meta));
      EXPECT_EQ(error.rfind("not_an_image: made: " + what, 0), 0u) << error;
      EXPECT_THROW(parse_film(object(sop_class, in_meta), "made").tags, PictureError);
    }
  // An index of a whole disk has more items than a film may have.
  EXPECT_EQ(refusal(object("1.2.840.10008.1.3.10", true, 3000)).rfind("not_an_image", 0), 0u);
  // Other objects without pixels are named where their class has a name.
  const std::string plan = refusal(object("1.2.840.10008.5.1.4.1.1.481.5", false));
  EXPECT_EQ(plan.rfind("no_pixel_data", 0), 0u) << plan;
  EXPECT_NE(plan.find("RTPlan"), std::string::npos) << plan;
  EXPECT_EQ(refusal(object("1.2.3.4", false)), "no_pixel_data: made: DICOM without pixel data");
}

// PS3.4 annex B.5 and PS3.6 annex A.
TEST(Structure, ClassesWithoutAFilm) {
  const std::string storage = "1.2.840.10008.5.1.4.1.1.";
  for (const char* none : {"9.1.1", "11.1", "66", "66.1", "67", "68.1", "88.11", "88.59", "104.1", "200.1",
                           "481.3", "481.5", "481.10", "481.22"})
    EXPECT_TRUE(is_no_image(storage + none)) << none;
  for (const char* film : {"1", "1.1", "1.1.1", "2", "7", "6.1", "12.1", "481.1", "481.2", "481.23", "481.24",
                           "91", "881.1", "110.1"})
    EXPECT_FALSE(is_no_image(storage + film)) << film;
  EXPECT_TRUE(is_no_image(kDicomDirClass));
  EXPECT_FALSE(is_no_image(""));
  EXPECT_FALSE(is_no_image("1.2.3.88.11"));
}

TEST(Structure, ClassByTheFirstBytes) {
  const std::string whole = object("1.2.840.10008.5.1.4.1.1.88.33", true);
  EXPECT_EQ(media_sop_class(whole.substr(0, 4096)), "1.2.840.10008.5.1.4.1.1.88.33") << "without the padding";
  EXPECT_EQ(media_sop_class(whole.substr(0, 132)), "");
  EXPECT_EQ(media_sop_class("short"), "");
  for (size_t size = 0; size < 400; ++size) media_sop_class(whole.substr(0, size));
}

std::string patient_of(const std::string& character_set, const std::string& id) {
  Writer w(Encoding::explicit_little);
  if (!character_set.empty()) w.text(8, 5, "CS", character_set);
  w.text(0x10, 0x20, "LO", id);
  return parse_film(film_with(w), "made").tags.patient_id;
}

// Bytes by PS3.5 annex H to K and Python's codecs.
TEST(Characters, PatientIdIsUtf8) {
  EXPECT_EQ(patient_of("", "P 1"), "P 1");
  EXPECT_EQ(patient_of("ISO_IR 192", "M\xC3\xBCller"), "M\xC3\xBCller");
  EXPECT_EQ(patient_of("ISO_IR 100", "M\xFCller"), "M\xC3\xBCller");
  EXPECT_EQ(patient_of("ISO_IR 101",
                       "\xA3\xF3"
                       "d\xBC"),
            "\xC5\x81\xC3\xB3"
            "d\xC5\xBA");
  EXPECT_EQ(patient_of("ISO_IR 144", "\xB8\xD2\xD0\xDD\xDE\xD2"),
            "\xD0\x98\xD0\xB2\xD0\xB0\xD0\xBD\xD0\xBE\xD0\xB2");
  EXPECT_EQ(patient_of("ISO_IR 13", "\xD4\xCF\xC0\xDE"), "\xEF\xBE\x94\xEF\xBE\x8F\xEF\xBE\x80\xEF\xBE\x9E");
  EXPECT_EQ(patient_of("\\ISO 2022 IR 87", "\x1B$B;3ED\x1B(B"), "\xE5\xB1\xB1\xE7\x94\xB0");
  EXPECT_EQ(patient_of("ISO 2022 IR 13\\ISO 2022 IR 87", "\xD4\xCF\x1B$B;3ED\x1B(J"),
            "\xEF\xBE\x94\xEF\xBE\x8F\xE5\xB1\xB1\xE7\x94\xB0");
  EXPECT_EQ(patient_of("GB18030", "\xCD\xF5"), "\xE7\x8E\x8B");
  // The second byte of these is a backslash, which elsewhere separates values.
  EXPECT_EQ(patient_of("GB18030", "A\x81\\B"),
            "A\xE4\xB9\x97"
            "B");
}

TEST(Characters, UnknownSetsAreWrittenAsBytes) {
  EXPECT_EQ(patient_of("", "M\xFCller"), "M\\xfcller");
  EXPECT_EQ(patient_of("", "M\xC3\xBCller"), "M\xC3\xBCller") << "what is UTF-8 stays";
  EXPECT_EQ(patient_of("KLINGON", "M\xFCller"), "M\\xfcller");
  EXPECT_EQ(patient_of("ISO_IR 192", "M\xFCller"), "M\\xfcller") << "not of its set";
  EXPECT_EQ(patient_of("", "a\x1B[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(patient_of("ISO_IR 100", "a\x1B[2Jb").find('\x1B'), std::string::npos);
  for (const char* written : {"ISO_IR100", "iso-ir 100", "ISO IR 100", "ISO-IR_100"})
    EXPECT_EQ(patient_of(written, "M\xFCller"), "M\xC3\xBCller") << written;
  EXPECT_EQ(patient_of("UTF-8", "M\xC3\xBCller"), "M\xC3\xBCller");
}

TEST(Characters, SpacesAroundAnIdMeanNothing) {
  EXPECT_EQ(patient_of("", "  P 1   "), "P 1");
  EXPECT_EQ(patient_of("", "P1\\P2"), "P1\\P2") << "not the first of two: they are one id";
  EXPECT_EQ(patient_of("", ""), "");
}

TEST(Characters, LongerThanAnyIdIsRefused) {
  EXPECT_EQ(patient_of("", std::string(1000, 'x')).size(), 1000u);
  EXPECT_THROW(patient_of("", std::string(1200, 'x')), PictureError);
}

}  // namespace
}  // namespace cawe::data
