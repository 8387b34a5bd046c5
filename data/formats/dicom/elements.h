// SPDX-License-Identifier: Apache-2.0
// DICOM written element by element, explicit little-endian, with the same bytes every time (DCMTK would write
// its own version and the time into the file).
#pragma once

#include <string>

namespace cawe::data {

/// Appends tag, value representation, length and value, padded to an even length. With `vr` OB, OW or SQ the
/// length has 32 bits, else 16. Throws internal where the value is too long for 16.
void dicom_element(std::string& out, unsigned group, unsigned number, const std::string& vr,
                   std::string value);
/// Value of a US element.
std::string dicom_us(unsigned v);
/// Value of a DS element: at most 16 characters.
std::string dicom_ds(double v);
/// Value of a SQ element with one item.
std::string dicom_item(const std::string& elements);

/// A UID under 2.25 (needs no registration, DICOM PS3.5 B.2): a version-8 UUID from the SHA-256 of the key.
std::string dicom_uid(const std::string& key);

/// The whole file: preamble, meta group and `body`.
std::string dicom_file(const std::string& sop_class, const std::string& sop_instance,
                       const std::string& body);

}  // namespace cawe::data
