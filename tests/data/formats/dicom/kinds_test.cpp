// SPDX-License-Identifier: Apache-2.0
// Attributes in another kind of element than the standard's: gateways pass on as unknown what they do not know. The
// pixels are those of the same file in its right form, which pydicom 3.0 also reads.
#include <gtest/gtest.h>

#include "data/formats/dicom/film.h"
#include "tests/data/formats/dicom/dicom_bytes.h"
#include "tests/data/formats/dicom/refusal.h"

namespace cawe::data {
namespace {

using namespace dicom_bytes;

struct Element {
  unsigned number;  ///< of group 28
  std::string vr, value;
};

std::string word(int v) { return {char(v & 0xFF), char(v >> 8 & 0xFF)}; }

/// Two rows of two pixels of 12 bits in 16, with the elements of group 28 that are given in place of the usual ones.
std::string film_of(const std::vector<int>& samples, const std::vector<Element>& other,
                    bool is_signed = false) {
  std::vector<Element> elements = {{0x2, "US", word(1)},    {0x4, "CS", "MONOCHROME2 "},
                                   {0x10, "US", word(2)},   {0x11, "US", word(2)},
                                   {0x100, "US", word(16)}, {0x101, "US", word(12)},
                                   {0x102, "US", word(11)}, {0x103, "US", word(is_signed)}};
  for (const Element& e : other) {
    const auto at = std::find_if(elements.begin(), elements.end(),
                                 [&](const Element& x) { return x.number == e.number; });
    if (at != elements.end())
      *at = e;
    else
      elements.push_back(e);
  }
  Writer w(Encoding::explicit_little);
  for (const Element& e : elements)
    if (e.vr != "-") w.raw(0x28, e.number, e.vr, e.value);
  return file(w.words(0x7FE0, 0x10, "OW", samples));
}

std::string film_with(const std::vector<Element>& other, bool is_signed = false) {
  const int low = is_signed ? -2048 : 0;
  return film_of({low, low + 273, low + 819, low + 4095}, other, is_signed);
}

using Pixels = std::vector<float>;

Pixels pixels_of(const std::string& bytes) { return parse_film(bytes, "made").image.pixels; }

const Pixels kGray = {0.0f, float(273 / 4095.0), float(819 / 4095.0), 1.0f};

struct Form {
  const char* vr;
  std::string (*value)(int);
};

const Form kForms[] = {{"UN", word},
                       {"OB", word},
                       {"OW", word},
                       {"SS", word},
                       {"UL", [](int v) { return word(v) + word(0); }},
                       {"SL", [](int v) { return word(v) + word(0); }},
                       {"IS", [](int v) { return std::to_string(v) + (v < 10 || v > 99 ? " " : ""); }}};

TEST(DicomKinds, NumbersOfThePictureInAnyKindOfElement) {
  for (const bool is_signed : {false, true}) {
    const Pixels usual = pixels_of(film_with({}, is_signed));
    for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(usual[i], kGray[i], 1e-6);
    const std::pair<unsigned, int> numbers[] = {
        {0x2, 1}, {0x10, 2}, {0x11, 2}, {0x100, 16}, {0x101, 12}, {0x102, 11}, {0x103, int(is_signed)}};
    for (const auto& [number, value] : numbers)
      for (const Form& form : kForms)
        EXPECT_EQ(pixels_of(film_with({{number, form.vr, form.value(value)}}, is_signed)), usual)
            << std::hex << number << form.vr;
  }
}

TEST(DicomKinds, UnusedBitsBelowTheValue) {
  // HighBit 15: the values lie four bits higher; an overlay below them does not count.
  for (const Form& form : kForms)
    for (const int overlay : {0, 1, 15}) {
      const std::vector<int> samples = {0, 273 * 16, 819 * 16 + overlay, 4095 * 16};
      EXPECT_EQ(pixels_of(film_of(samples, {{0x102, form.vr, form.value(15)}})), kGray) << form.vr;
      const std::vector<int> from_the_middle = {-2048 * 16, -1775 * 16, -1229 * 16 + overlay, 2047 * 16};
      EXPECT_EQ(pixels_of(film_of(from_the_middle, {{0x102, form.vr, form.value(15)}}, true)), kGray);
    }
}

// They were read as a film 16 times too dark. pydicom does not look at HighBit.
TEST(DicomKinds, ValuesThatPlainlyDoNotLieAtHighBit) {
  const std::string refused =
      "bad_header: made: DICOM attribute (0028,0102) HighBit is 15, but all samples lie in the lowest 12 "
      "bits, which are as many as (0028,0101) BitsStored says (expected 11)";
  const std::vector<Element> high = {{0x102, "US", word(15)}};
  EXPECT_EQ(refusal(film_with(high)), refused);
  EXPECT_EQ(refusal(film_of({0, 0, 0, 1}, high)), refused);
  EXPECT_EQ(refusal(film_with(high, true)), refused);
  EXPECT_EQ(refusal(film_of({0, 1, 2, 4095}, high, true)), refused) << "their sign is not extended";
  // One that is larger, or none with a bit below: they may lie there.
  EXPECT_EQ(pixels_of(film_of({0, 273, 819, 4096}, high))[3], float(256 / 4095.0));
  EXPECT_EQ(pixels_of(film_of({0, 16, 32, 4080}, high))[3], float(255 / 4095.0));
  EXPECT_EQ(pixels_of(film_of({0, 0, 0, 0}, high)), Pixels(4));
  EXPECT_EQ(refusal(film_of({-2049, 0, 1, 2}, high, true)), "read");
}

TEST(DicomKinds, PlanesOfColour) {
  const auto film = [](const std::string& vr, const std::string& value) {
    Writer w(Encoding::explicit_little);
    w.us(0x28, 2, 3).text(0x28, 4, "CS", "RGB");
    if (vr != "-") w.raw(0x28, 6, vr, value);
    w.us(0x28, 0x10, 1)
        .us(0x28, 0x11, 2)
        .us(0x28, 0x100, 8)
        .us(0x28, 0x101, 8)
        .us(0x28, 0x102, 7)
        .us(0x28, 0x103, 0);
    return file(
        w.text(0x7FE0, 0x10, "OB", std::string("\xFF\0\xFF\0\xFF\0", 6)));  // white and black, by planes
  };
  for (const Form& form : kForms)
    EXPECT_EQ(pixels_of(film(form.vr, form.value(1))), (Pixels{1, 0})) << form.vr;
  EXPECT_EQ(refusal(film("-", "")),
            "bad_header: made: DICOM without a value of (0028,0006) PlanarConfiguration");
  EXPECT_EQ(refusal(film("US", "")),
            "bad_header: made: DICOM without a value of (0028,0006) PlanarConfiguration");
  EXPECT_EQ(refusal(film("US", word(2))),
            "bad_header: made: DICOM attribute (0028,0006) PlanarConfiguration is 2 (expected 0 to 1)");
}

// PS3.3 C.7.6.3: type 1. pydicom refuses them, too.
TEST(DicomKinds, WhatIsMissingIsNotGuessed) {
  EXPECT_EQ(refusal(film_with({})), "read");
  for (const char* vr : {"-", "US", "UN"}) {
    EXPECT_EQ(refusal(film_with({{0x101, vr, ""}})),
              "bad_header: made: DICOM without a value of (0028,0101) BitsStored");
    EXPECT_EQ(refusal(film_with({{0x103, vr, ""}})),
              "bad_header: made: DICOM without a value of (0028,0103) PixelRepresentation");
  }
  EXPECT_EQ(refusal(film_with({{0x101, "US", word(17)}})),
            "bad_header: made: DICOM attribute (0028,0101) BitsStored is 17 (expected 1 to 16)");
  EXPECT_EQ(refusal(film_with({{0x103, "US", word(2)}})),
            "bad_header: made: DICOM attribute (0028,0103) PixelRepresentation is 2 (expected 0 to 1)");
  EXPECT_EQ(
      refusal(film_with({{0x101, "LO", "12 bits "}})),
      "bad_header: made: DICOM attribute (0028,0101) BitsStored is \"12 bits\" (expected a whole number)");
  EXPECT_EQ(refusal(film_with({{0x101, "SS", word(-12)}}))
                .rfind("bad_header: made: DICOM attribute (0028,0101)", 0),
            0u);
  EXPECT_EQ(refusal(film_with({{0x101, "UN", word(12) + word(0)}})).rfind("bad_header", 0), 0u);
}

/// The content of a sequence of one item, implicit little-endian.
std::string content(const Writer& inside) {
  return Writer(Encoding::implicit_little).item(0x28, 0, inside).bytes().substr(8);
}

Writer inverting_table(Encoding encoding, int most = 4095) {
  std::vector<int> entries;
  for (int i = 0; i < 4096; ++i) entries.push_back(most - i * most / 4095);
  return Writer(encoding).words(0x28, 0x3002, "US", {4096, 0, 12}).words(0x28, 0x3006, "OW", entries);
}

TEST(DicomKinds, SequencesThatCameAsUnknown) {
  const std::string table = content(inverting_table(Encoding::implicit_little));
  for (const unsigned number : {0x3000u, 0x3010u}) {
    const Pixels inverted = pixels_of(film_with({{number, "UN", table}}));
    for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(inverted[i], 1 - kGray[i], 1e-6) << i;
  }
  Writer window(Encoding::implicit_little), group(Encoding::implicit_little), w(Encoding::explicit_little);
  window.text(0x28, 0x1050, "DS", "1024")
      .text(0x28, 0x1051, "DS", "2048")
      .text(0x28, 0x1056, "CS", "LINEAR_EXACT");
  group.item(0x28, 0x9132, window);
  Shape s;
  s.rows = 1;
  s.bits = 12;
  s.alloc = 16;
  put(w, s).raw(0x5200, 0x9229, "UN", content(group)).words(0x7FE0, 0x10, "OW", {0, 512, 1024, 2048});
  const Pixels shared = pixels_of(file(w));
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(shared[size_t(i)], (i < 3 ? .25 * i : 1), 1e-6) << i;
}

TEST(DicomKinds, WhatIsNoSequenceIsRefused) {
  const std::string refused =
      "bad_header: made: DICOM attribute (0028,3010) VOILUTSequence is no sequence of items";
  const std::string table = content(inverting_table(Encoding::implicit_little));
  // Explicit inside, cut off, no item, too many elements, another kind.
  EXPECT_EQ(refusal(film_with({{0x3010, "UN", content(inverting_table(Encoding::explicit_little))}})),
            refused);
  EXPECT_EQ(refusal(film_with({{0x3010, "UN", table.substr(0, 100)}})), refused);
  EXPECT_EQ(refusal(film_with({{0x3010, "UN", "12345678"}})), refused);
  EXPECT_EQ(refusal(film_with({{0x3000, "OW", table}})),
            "bad_header: made: DICOM attribute (0028,3000) ModalityLUTSequence is no sequence of items");
  Writer many(Encoding::implicit_little);
  for (int i = 0; i < 10001; ++i) many.us(0x28, 0x106, 0);
  EXPECT_EQ(refusal(film_with({{0x3010, "UN", content(many)}})), refused);
  EXPECT_EQ(refusal(film_with({{0x3010, "UN", ""}})), "read");
}

// PS3.3 C.11.2.1.1: entries lie within the bits that the descriptor says.
TEST(DicomKinds, EntriesBeyondTheirBitsAreRefused) {
  for (const char* vr : {"US", "OW"}) {
    Writer item(Encoding::explicit_little), w(Encoding::explicit_little);
    item.words(0x28, 0x3002, "US", {2, 0, 10}).words(0x28, 0x3006, vr, {1023, 1024});
    Shape s;
    put(w, s).item(0x28, 0x3010, item).text(0x7FE0, 0x10, "OB", std::string(12, 'p'));
    EXPECT_EQ(refusal(file(w)),
              "bad_header: made: DICOM's (0028,3010) VOILUTSequence has an entry of 1024 (expected at "
              "most 1023, as it says 10 bits)");
  }
}

TEST(DicomKinds, BigEndianBytesOfWideSamples) {
  const auto film = [](const std::string& vr) {
    Shape s;
    s.rows = 1;
    s.bits = 12;
    s.alloc = 16;
    Writer w(Encoding::explicit_big);
    return file(put(w, s).words(0x7FE0, 0x10, vr, {0, 273, 819, 4095}));
  };
  EXPECT_EQ(pixels_of(film("OW")), kGray);
  EXPECT_EQ(refusal(film("OB")).rfind("pixel_data_undecodable: made: big-endian DICOM", 0), 0u);
}

TEST(DicomKinds, ColourOfOneSampleIsNamed) {
  EXPECT_EQ(refusal(film_with({{0x4, "CS", "RGB "}})),
            "unsupported_photometric: made: DICOM's photometric interpretation is \"RGB\" with 1 sample a "
            "pixel (expected "
            "MONOCHROME1 or MONOCHROME2; RGB and YBR have 3)");
}

}  // namespace
}  // namespace cawe::data
