// SPDX-License-Identifier: Apache-2.0
#include "data/formats/dicom/characters.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcspchrs.h>

#include <algorithm>
#include <cctype>

#include "data/formats/dicom/attributes.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

/// Defined terms as they are misspelled: "ISO_IR100", "iso-ir 100" and "ISO IR 100" are "ISO_IR 100", "UTF-8" is
/// "ISO_IR 192". Several terms have backslashes between them.
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

}  // namespace

std::string utf8_of(const std::string& raw, const std::string& character_set) {
  const bool plain = std::all_of(raw.begin(), raw.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  // "ISO_IR 13" has other characters for two of ASCII's, so that plain text is not the same in every set.
  if (plain && character_set.find("13") == character_set.npos) return raw;
  DcmSpecificCharacterSet set;
  OFString converted;
  const bool known = !character_set.empty() && DcmSpecificCharacterSet::isConversionAvailable() &&
                     set.selectCharacterSet(defined_terms(character_set).c_str(), "ISO_IR 192").good() &&
                     set.convertString(raw.c_str(), raw.size(), converted, "\\").good();
  return printable(known ? std::string(converted.c_str(), converted.size()) : raw, raw.npos);
}

std::string patient_id_of(DcmItem& dataset, const std::string& name) {
  const std::string text =
      utf8_of(text_of(dataset, DCM_PatientID, name), text_of(dataset, DCM_SpecificCharacterSet, name));
  const size_t from = text.find_first_not_of(' ');
  return from == text.npos ? "" : text.substr(from, text.find_last_not_of(' ') + 1 - from);
}

}  // namespace cawe::data
