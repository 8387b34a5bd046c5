// SPDX-License-Identifier: Apache-2.0
#include "data/formats/dicom/lookup.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "data/formats/dicom/attributes.h"
#include "data/formats/picture/picture.h"

namespace cawe::data {
namespace {

/// The 16-bit words of an element of any value representation that holds such; bytes are paired, the first
/// one low.
std::vector<uint16_t> words_of(DcmItem& item, const DcmTagKey& tag) {
  DcmElement* element = nullptr;
  if (item.findAndGetElement(tag, element).bad() || element == nullptr) return {};
  const size_t bytes = element->getLength();
  Uint8* narrow = nullptr;
  Uint16* wide = nullptr;
  Sint16* wide_signed = nullptr;
  std::vector<uint16_t> out;
  const DcmEVR kind = element->ident();
  if ((kind == EVR_OB || kind == EVR_UN) && element->getUint8Array(narrow).good() && narrow != nullptr) {
    for (size_t i = 0; i < bytes; i += 2)
      out.push_back(uint16_t(narrow[i] | (i + 1 < bytes ? narrow[i + 1] : 0) << 8));
  } else if (element->getUint16Array(wide).good() && wide != nullptr) {
    out.assign(wide, wide + bytes / 2);
  } else if (element->getSint16Array(wide_signed).good() && wide_signed != nullptr) {
    for (size_t i = 0; i < bytes / 2; ++i) out.push_back(uint16_t(wide_signed[i]));
  }
  return out;
}

/// Where the table begins, from the 16 bits that say it. The standard has them signed where the input can be
/// negative, but files have the value representation of their pixels, or none (implicit). So of both readings
/// that one counts by which the table and the range of its input meet.
double first_input(uint16_t word, bool says_signed, size_t entries, double low, double high) {
  const double plain = double(word), with_sign = double(int16_t(word));
  const auto meets = [&](double first) { return first <= high && first + double(entries) - 1 >= low; };
  if (meets(plain) != meets(with_sign)) return meets(plain) ? plain : with_sign;
  return says_signed || low < 0 ? with_sign : plain;
}

}  // namespace

double Lookup::at(double input) const {
  const double i = std::floor(input - first + 0.5);
  return i > 0 ? entries[size_t(std::min(i, double(entries.size() - 1)))] : entries[0];
}

std::optional<Lookup> read_lookup(DcmItem& from, const DcmTagKey& sequence, double low, double high,
                                  const std::string& name) {
  DcmItem* item = first_item(from, sequence, name);
  if (item == nullptr) return std::nullopt;
  const std::vector<uint16_t> descriptor = words_of(*item, DCM_LUTDescriptor),
                              words = words_of(*item, DCM_LUTData);
  if (descriptor.size() != 3)
    refuse_picture("bad_header", name, ": DICOM's ", tag_name(sequence), " has a descriptor of ",
                   descriptor.size(), " values (expected 3)");
  Lookup out;
  const size_t count = descriptor[0] == 0 ? 65536 : descriptor[0];
  out.bits = descriptor[2];
  const bool packed = out.bits <= 8 && words.size() < count && words.size() * 2 >= count;
  if (out.bits < 1 || out.bits > 16 || (words.size() < count && !packed))
    refuse_picture("bad_header", name, ": DICOM's ", tag_name(sequence), " has ", words.size(), " words of ",
                   out.bits, "-bit entries (expected ", count, " entries of 1 to 16 bits)");
  DcmElement* element = nullptr;
  const bool says_signed =
      item->findAndGetElement(DCM_LUTDescriptor, element).good() && element->ident() == EVR_SS;
  out.first = first_input(descriptor[1], says_signed, count, low, high);
  out.entries.reserve(count);
  for (size_t i = 0; i < count; ++i)
    out.entries.push_back(packed ? double(words[i / 2] >> (i % 2 * 8) & 0xFF) : double(words[i]));
  const double most = *std::max_element(out.entries.begin(), out.entries.end());
  if (most > out.top())
    refuse_picture("bad_header", name, ": DICOM's ", tag_name(sequence), " has an entry of ", most,
                   " (expected at most ", out.top(), ", as it says ", out.bits, " bits)");
  return out;
}

}  // namespace cawe::data
