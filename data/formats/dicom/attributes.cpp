// SPDX-License-Identifier: Apache-2.0
#include "data/formats/dicom/attributes.h"

#include <cstdlib>
#include <memory>

#include "data/formats/dicom/stream.h"
#include "data/formats/dicom/structure.h"
#include "data/formats/picture/picture.h"
#include "tensor/io/format.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

std::string without_spaces(const std::string& text) {
  const std::string blank(" \0", 2);
  const size_t from = text.find_first_not_of(blank);
  return from == text.npos ? "" : text.substr(from, text.find_last_not_of(blank) + 1 - from);
}

/// A number of two bytes that came as unknown or as words; "" for every other element, empty ones too.
std::string word_of(DcmElement& element, const DcmTagKey& tag) {
  const DcmEVR kind = element.ident();
  Uint8* bytes = nullptr;
  Uint16* words = nullptr;
  if (element.getLength() != 2 || DcmTag(tag).getEVR() != EVR_US) return "";
  if ((kind == EVR_UN || kind == EVR_OB) && element.getUint8Array(bytes).good() && bytes != nullptr)
    return std::to_string(bytes[0] | bytes[1] << 8);
  if (kind == EVR_OW && element.getUint16Array(words).good() && words != nullptr)
    return std::to_string(words[0]);
  return "";
}

/// A sequence that came as unknown: implicit little-endian whatever the file is (PS3.5 6.2.2); null where it is not.
std::unique_ptr<DcmElement> unfolded(DcmElement& element, const DcmTagKey& tag) {
  Uint8* value = nullptr;
  if (element.ident() != EVR_UN || element.getUint8Array(value).bad() || value == nullptr) return nullptr;
  std::string bytes;
  for (const unsigned part : {unsigned(tag.getGroup()), unsigned(tag.getElement()),
                              unsigned(element.getLength() & 0xFFFF), unsigned(element.getLength() >> 16)})
    bytes.append({char(part & 0xFF), char(part >> 8)});
  bytes.append(reinterpret_cast<const char*>(value), element.getLength());
  DicomStream stream(bytes, kMaxDicomElements);
  DcmDataset inside;
  inside.transferInit();
  const OFCondition status = inside.read(stream, EXS_LittleEndianImplicit, EGL_noChange, DCM_MaxReadLength);
  inside.transferEnd();
  // Long values are read when they are needed, and then the bytes would be gone.
  if (status.bad() || stream.too_many() || inside.loadAllDataIntoMemory().bad()) return nullptr;
  std::unique_ptr<DcmElement> sequence(inside.remove(tag));
  return sequence != nullptr && sequence->ident() == EVR_SQ ? std::move(sequence) : nullptr;
}

}  // namespace

std::string tag_name(const DcmTagKey& tag) {
  DcmTag named(tag);
  return std::string(tag.toString().c_str()) + " " + named.getTagName();
}

std::string text_of(DcmItem& item, const DcmTagKey& tag, const std::string& name) {
  DcmElement* element = nullptr;
  if (item.findAndGetElement(tag, element).bad() || element == nullptr) return "";
  const size_t bytes = element->getLength();
  if (bytes > kLongestAttribute)
    refuse_picture("bad_header", name, ": DICOM attribute ", tag_name(tag), " has ", bytes,
                   " bytes (expected up to ", kLongestAttribute, ")");
  std::string out;
  Uint8* raw = nullptr;
  OFString text;
  const DcmEVR kind = element->ident();
  // A gateway that does not know an attribute passes it on as unknown: the same bytes.
  if ((kind == EVR_UN || kind == EVR_OB) && element->getUint8Array(raw).good() && raw != nullptr)
    out.assign(reinterpret_cast<const char*>(raw), bytes);
  else if (element->getOFStringArray(text).good())
    out.assign(text.c_str(), text.size());
  while (!out.empty() && (out.back() == ' ' || out.back() == '\0')) out.pop_back();
  return out;
}

std::vector<std::string> values_of(DcmItem& item, const DcmTagKey& tag, const std::string& name) {
  const std::string all = text_of(item, tag, name);
  std::vector<std::string> out;
  for (size_t from = 0; from <= all.size();) {
    const size_t to = std::min(all.find('\\', from), all.size());
    out.push_back(without_spaces(all.substr(from, to - from)));
    from = to + 1;
  }
  return out;
}

std::string first_of(DcmItem& item, const DcmTagKey& tag, const std::string& name) {
  return values_of(item, tag, name).front();
}

double decimal(const std::string& text, const DcmTagKey& tag, const std::string& name) {
  std::string plain = text;
  if (const size_t comma = plain.find(','); comma != plain.npos && plain.find('.') == plain.npos)
    plain[comma] = '.';
  double value = 0;
  if (!parse_number(plain, &value))
    refuse_picture("bad_header", name, ": DICOM attribute ", tag_name(tag), " is \"", printable(text, 80),
                   "\" (expected a decimal number)");
  return value;
}

std::optional<double> decimal_of(DcmItem& item, const DcmTagKey& tag, const std::string& name) {
  const std::string text = first_of(item, tag, name);
  if (text.empty()) return std::nullopt;
  return decimal(text, tag, name);
}

std::optional<int> whole_of(DcmItem& item, const DcmTagKey& tag, const std::string& name) {
  DcmElement* element = nullptr;
  if (item.findAndGetElement(tag, element).bad() || element == nullptr) return std::nullopt;
  std::string text = word_of(*element, tag);
  if (text.empty()) text = first_of(item, tag, name);
  if (text.empty()) return std::nullopt;
  const size_t sign = text[0] == '+';
  if (text.size() > sign + 9 || text.find_first_not_of("0123456789", sign) != text.npos)
    refuse_picture("bad_header", name, ": DICOM attribute ", tag_name(tag), " is \"", printable(text, 80),
                   "\" (expected a whole number)");
  return std::atoi(text.c_str());
}

DcmItem* first_item(DcmItem& item, const DcmTagKey& tag, const std::string& name) {
  DcmElement* element = nullptr;
  if (item.findAndGetElement(tag, element).bad() || element == nullptr || element->getLength() == 0)
    return nullptr;
  if (element->ident() != EVR_SQ) {
    std::unique_ptr<DcmElement> sequence = unfolded(*element, tag);
    if (sequence == nullptr || item.insert(sequence.get(), OFTrue).bad())
      refuse_picture("bad_header", name, ": DICOM attribute ", tag_name(tag), " is no sequence of items");
    element = sequence.release();
  }
  auto* sequence = static_cast<DcmSequenceOfItems*>(element);
  return sequence->card() == 0 ? nullptr : sequence->getItem(0);
}

int frames_of(DcmItem& item, const std::string& name) {
  return std::max(1, whole_of(item, DCM_NumberOfFrames, name).value_or(1));
}

}  // namespace cawe::data
