// SPDX-License-Identifier: Apache-2.0
#include "data/formats/dicom/attributes.h"

#include <cstdlib>

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

int frames_of(DcmItem& item, const std::string& name) {
  const std::string text = first_of(item, DCM_NumberOfFrames, name);
  const size_t sign = !text.empty() && text[0] == '+';
  if (text.size() > sign + 9 || text.find_first_not_of("0123456789", sign) != text.npos)
    refuse_picture("bad_header", name, ": DICOM attribute ", tag_name(DCM_NumberOfFrames), " is \"",
                   printable(text, 80), "\" (expected a whole number)");
  return std::max(1, std::atoi(text.c_str()));
}

}  // namespace cawe::data
