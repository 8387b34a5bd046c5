// SPDX-License-Identifier: Apache-2.0
// DICOM written element by element, explicit little-endian: the same bytes every time (DCMTK would put its
// own version and the time in).
#pragma once

#include <string>

namespace cawe::data {

/// Appends tag, value representation, length and value, padded to an even length. `vr` OB, OW and SQ have the
/// long form of the length. Throws internal where the value is too long for a short one.
void dicom_element(std::string& out, unsigned group, unsigned number, const std::string& vr,
                   std::string value);
/// Value of a US element.
std::string dicom_us(unsigned v);
/// Value of a DS element: at most 16 characters.
std::string dicom_ds(double v);
/// Value of a SQ element with one item.
std::string dicom_item(const std::string& elements);

/// A UID under 2.25 (no registration needed, PS3.5 B.2): a version-8 UUID from the SHA-256 of the key.
std::string dicom_uid(const std::string& key);

/// Preamble, meta group and `body`: the whole file.
std::string dicom_file(const std::string& sop_class, const std::string& sop_instance,
                       const std::string& body);

}  // namespace cawe::data
