// SPDX-License-Identifier: Apache-2.0
#include "data/formats/dicom/characters.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcspchrs.h>
#include <dcmtk/ofstd/ofchrenc.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <vector>

#include "data/formats/dicom/attributes.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

/// Defined terms as they are misspelled: "ISO_IR100", "iso-ir 100" and "ISO IR 100" are "ISO_IR 100", "UTF-8"
/// is "ISO_IR 192". Several terms have backslashes between them.
std::string defined_terms(const std::string& character_set) {
  std::string out;
  for (size_t from = 0; from <= character_set.size();) {
    const size_t to = std::min(character_set.find('\\', from), character_set.size());
    std::string letters, number, term = character_set.substr(from, to - from);
    for (const char c : term) {
      const char upper = char(std::toupper(static_cast<unsigned char>(c)));
      if (upper >= '0' && upper <= '9')
        number += upper;
      else if (upper >= 'A' && upper <= 'Z')
        letters += upper;
    }
    if (letters == "ISOIR" && number.rfind("2022", 0) == 0 && number.size() > 4)
      term = "ISO 2022 IR " + number.substr(4);
    else if (letters == "ISOIR")
      term = "ISO_IR " + number;
    else if (letters == "UTF" && number == "8")
      term = "ISO_IR 192";
    out += (from == 0 ? "" : "\\") + term;
    from = to + 1;
  }
  return out;
}

bool convert(const std::string& raw, const char* encoding, std::string* out) {
  OFCharacterEncoding converter;
  OFString text;
  if (converter.selectEncoding(encoding, "UTF-8").bad() ||
      converter.convertString(raw.c_str(), raw.size(), text).bad())
    return false;
  out->append(text.c_str(), text.size());
  return true;
}

/// Japanese with escape sequences (ISO 2022 IR 87 and 159 in G0, IR 13 in G1), which DCMTK cannot convert by
/// glibc: the 7-bit parts are ISO-2022-JP-2, the bytes above are katakana as in Shift_JIS.
bool convert_japanese(const std::string& raw, std::string* out) {
  for (size_t from = 0; from < raw.size();) {
    const auto high = [&](size_t i) { return (raw[i] & 0x80) != 0; };
    size_t to = from;
    while (to < raw.size() && high(to) == high(from)) ++to;
    if (!convert(raw.substr(from, to - from), high(from) ? "SHIFT_JIS" : "ISO-2022-JP-2", out)) return false;
    from = to;
  }
  return true;
}

bool convert_by_terms(const std::string& raw, const std::string& terms, std::string* out) {
  DcmSpecificCharacterSet set;
  OFString text;
  if (set.selectCharacterSet(terms.c_str(), "ISO_IR 192").good() &&
      set.convertString(raw.c_str(), raw.size(), text, "\\").good()) {
    out->assign(text.c_str(), text.size());
    return true;
  }
  const bool japanese = terms.find("IR 87") != terms.npos || terms.find("IR 159") != terms.npos;
  return japanese && convert_japanese(raw, out);
}

}  // namespace

std::string utf8_of(const std::string& raw, const std::string& character_set) {
  const bool plain = std::all_of(raw.begin(), raw.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  // "ISO_IR 13" has other characters for two of ASCII's, so that plain text is not the same in every set.
  if (plain && character_set.find("13") == character_set.npos) return raw;
  std::string converted;
  const bool known =
      !character_set.empty() && convert_by_terms(raw, defined_terms(character_set), &converted);
  return printable(known ? converted : raw, raw.npos);
}

void keep_character_sets() {
  // Converters of the system's library load tables when they are made, and may drop them when none is left.
  static std::vector<std::unique_ptr<DcmSpecificCharacterSet>> sets;
  static std::vector<std::unique_ptr<OFCharacterEncoding>> others;
  for (const char* terms : {"ISO_IR 100",        "ISO_IR 101",        "ISO_IR 109",
                            "ISO_IR 110",        "ISO_IR 126",        "ISO_IR 127",
                            "ISO_IR 138",        "ISO_IR 144",        "ISO_IR 148",
                            "ISO_IR 203",        "ISO_IR 13",         "ISO_IR 166",
                            "ISO_IR 192",        "GB18030",           "GBK",
                            "\\ISO 2022 IR 149", "\\ISO 2022 IR 58",  "\\ISO 2022 IR 100",
                            "\\ISO 2022 IR 101", "\\ISO 2022 IR 109", "\\ISO 2022 IR 110",
                            "\\ISO 2022 IR 126", "\\ISO 2022 IR 127", "\\ISO 2022 IR 138",
                            "\\ISO 2022 IR 144", "\\ISO 2022 IR 148", "\\ISO 2022 IR 166"}) {
    sets.push_back(std::make_unique<DcmSpecificCharacterSet>());
    if (sets.back()->selectCharacterSet(terms, "ISO_IR 192").bad()) sets.pop_back();
  }
  for (const char* encoding : {"SHIFT_JIS", "ISO-2022-JP-2"}) {
    others.push_back(std::make_unique<OFCharacterEncoding>());
    if (others.back()->selectEncoding(encoding, "UTF-8").bad()) others.pop_back();
  }
}

std::string patient_id_of(DcmItem& dataset, const std::string& name) {
  const std::string text =
      utf8_of(text_of(dataset, DCM_PatientID, name), text_of(dataset, DCM_SpecificCharacterSet, name));
  const size_t from = text.find_first_not_of(' ');
  return from == text.npos ? "" : text.substr(from, text.find_last_not_of(' ') + 1 - from);
}

}  // namespace cawe::data
