// SPDX-License-Identifier: Apache-2.0
#include "data/formats/dicom/elements.h"

#include <array>
#include <cstdint>

#include "data/hash.h"
#include "tensor/error.h"
#include "tensor/io/format.h"

namespace cawe::data {
namespace {

void u16(std::string& out, unsigned v) {
  out += char(v & 0xFF);
  out += char(v >> 8 & 0xFF);
}
void u32(std::string& out, unsigned v) {
  u16(out, v & 0xFFFF);
  u16(out, v >> 16);
}

}  // namespace

void dicom_element(std::string& out, unsigned group, unsigned number, const std::string& vr,
                   std::string value) {
  const bool wide = vr == "OB" || vr == "OW" || vr == "SQ";
  if (value.size() % 2 != 0) value += vr == "UI" || vr == "OB" ? '\0' : ' ';
  CAWE_CHECK(value.size() <= (wide ? 0xFFFFFFFEu : 0xFFFEu), Code::internal, "dicom: ", value.size(),
             " bytes in one element of kind ", vr);
  u16(out, group);
  u16(out, number);
  out += vr;
  if (wide) u16(out, 0);
  wide ? u32(out, unsigned(value.size())) : u16(out, unsigned(value.size()));
  out += value;
}

std::string dicom_us(unsigned v) {
  std::string out;
  u16(out, v);
  return out;
}

std::string dicom_ds(double v) { return rounded(v, 8); }

std::string dicom_item(const std::string& elements) {
  std::string out;
  u16(out, 0xFFFE);
  u16(out, 0xE000);
  u32(out, unsigned(elements.size()));
  return out + elements;
}

std::string dicom_uid(const std::string& key) {
  std::array<uint32_t, 4> number{};  // most significant first
  const std::string hex = sha256(key);
  for (size_t i = 0; i < 4; ++i) number[i] = uint32_t(std::stoul(hex.substr(8 * i, 8), nullptr, 16));
  number[1] = (number[1] & 0xFFFF0FFFu) | 0x8000u;      // version 8 of RFC 9562: an application's own scheme
  number[2] = (number[2] & 0x3FFFFFFFu) | 0x80000000u;  // variant of RFC 9562
  std::string digits;
  while (number != std::array<uint32_t, 4>{}) {  // long division by 10
    uint64_t rest = 0;
    for (uint32_t& part : number) {
      rest = rest << 32 | part;
      part = uint32_t(rest / 10);
      rest %= 10;
    }
    digits.insert(digits.begin(), char('0' + rest));
  }
  return "2.25." + digits;
}

std::string dicom_file(const std::string& sop_class, const std::string& sop_instance,
                       const std::string& body) {
  std::string meta, length, out = std::string(128, '\0') + "DICM";
  dicom_element(meta, 2, 1, "OB", std::string("\0\1", 2));
  dicom_element(meta, 2, 2, "UI", sop_class);
  dicom_element(meta, 2, 3, "UI", sop_instance);
  dicom_element(meta, 2, 0x10, "UI", "1.2.840.10008.1.2.1");  // explicit little-endian
  dicom_element(meta, 2, 0x12, "UI", dicom_uid("implementation cawe"));
  u32(length, unsigned(meta.size()));
  dicom_element(out, 2, 0, "UL", length);
  return out + meta + body;
}

}  // namespace cawe::data
