// SPDX-License-Identifier: Apache-2.0
// Text of a DICOM file as UTF-8.
#pragma once

#include <string>

class DcmItem;

namespace cawe::data {

/// `raw` in the character sets that SpecificCharacterSet (0008,0005) names (PS3.3 C.12.1.1.2), as UTF-8.
/// Without a character set, with one that is not known, and where the bytes are not of it: what is UTF-8
/// stays, every other byte becomes "\\xe4". Control characters are written so too, so that the text can go
/// into any table.
std::string utf8_of(const std::string& raw, const std::string& character_set);

/// PatientID as UTF-8, the whole of it (in some character sets a backslash is half a character), without the
/// spaces around it, which mean nothing (PS3.5 6.2, LO).
std::string patient_id_of(DcmItem& dataset, const std::string& name);

/// Loads the tables of every character set of PS3.3 C.12.1.1.2 and keeps them for the life of the process: for one that
/// will not be able to open files.
void keep_character_sets();

}  // namespace cawe::data
