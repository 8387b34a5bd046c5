// SPDX-License-Identifier: Apache-2.0
// Writing a film as DICOM, byte by byte: few elements, and the same bytes every time (DCMTK would put its own
// version and the time in).
#include <algorithm>
#include <cstdio>

#include "data/dicom.h"
#include "data/hash.h"
#include "tensor/error.h"
#include "tensor/io/atomic_file.h"

namespace cawe::data {
namespace {

void u16(std::string& out, unsigned v) {
  out += char(v & 0xFF);
  out += char(v >> 8);
}
void u32(std::string& out, unsigned v) {
  u16(out, v & 0xFFFF);
  u16(out, v >> 16);
}

/// Explicit little-endian: tag, value representation, length, value padded to an even length.
void element(std::string& out, unsigned group, unsigned number, const std::string& vr, std::string value) {
  if (value.size() % 2 != 0) value += vr == "UI" || vr == "OB" ? '\0' : ' ';
  u16(out, group);
  u16(out, number);
  out += vr;
  if (vr == "OB" || vr == "OW") {
    u16(out, 0);
    u32(out, unsigned(value.size()));
  } else {
    u16(out, unsigned(value.size()));
  }
  out += value;
}

std::string us(unsigned v) {
  std::string out;
  u16(out, v);
  return out;
}

/// A UID under 2.25 (numbers that need no registration) from 96 bits of a hash.
std::string uid(const std::string& key) {
  const std::string hex = sha256(key);
  std::string out = "2.25";
  for (size_t part = 0; part < 3; ++part)
    out += "." + std::to_string(std::stoul(hex.substr(part * 8, 8), nullptr, 16) + 1);
  return out;
}

std::string decimal(double v) {
  char text[20];
  std::snprintf(text, sizeof text, "%.8g", v);
  return text;
}

}  // namespace

void write_dicom(const std::string& path, const DicomToWrite& film) {
  CAWE_CHECK(film.width > 0 && film.height > 0 && film.width < 65536 && film.height < 65536 &&
                 film.bits >= 8 && film.bits <= 16 &&
                 film.values.size() == size_t(film.width) * size_t(film.height),
             Code::internal, "write_dicom: ", film.values.size(), " values of ", film.bits, " bits for ",
             film.width, " x ", film.height);
  const bool wide = film.bits > 8;
  std::string pixels;
  pixels.reserve(film.values.size() * 2);
  for (const uint16_t v : film.values) {
    pixels += char(v & 0xFF);
    if (wide) pixels += char(v >> 8);
  }
  const std::string kComputedRadiography = "1.2.840.10008.5.1.4.1.1.1",
                    kExplicitLittle = "1.2.840.10008.1.2.1";
  const std::string study = uid("study " + film.patient_id + " " + film.study_key);
  const std::string instance = uid("film " + film.patient_id + " " + film.study_key + " " + sha256(pixels));

  std::string meta;
  element(meta, 2, 1, "OB", std::string("\0\1", 2));
  element(meta, 2, 2, "UI", kComputedRadiography);
  element(meta, 2, 3, "UI", instance);
  element(meta, 2, 0x10, "UI", kExplicitLittle);
  element(meta, 2, 0x12, "UI", uid("implementation cawe"));
  std::string length, body;
  u32(length, unsigned(meta.size()));
  element(body, 2, 0, "UL", length);
  body += meta;

  element(body, 8, 0x16, "UI", kComputedRadiography);
  element(body, 8, 0x18, "UI", instance);
  element(body, 8, 0x60, "CS", "CR");
  element(body, 0x10, 0x10, "PN", "Phantom^" + film.patient_id);
  element(body, 0x10, 0x20, "LO", film.patient_id);
  element(body, 0x18, 0x5101, "CS", "PA");
  element(body, 0x20, 0xD, "UI", study);
  element(body, 0x20, 0xE, "UI", uid("series " + film.patient_id + " " + film.study_key));
  element(body, 0x28, 2, "US", us(1));
  element(body, 0x28, 4, "CS", film.inverted ? "MONOCHROME1" : "MONOCHROME2");
  element(body, 0x28, 0x10, "US", us(unsigned(film.height)));
  element(body, 0x28, 0x11, "US", us(unsigned(film.width)));
  element(body, 0x28, 0x100, "US", us(wide ? 16 : 8));
  element(body, 0x28, 0x101, "US", us(unsigned(film.bits)));
  element(body, 0x28, 0x102, "US", us(unsigned(film.bits) - 1));
  element(body, 0x28, 0x103, "US", us(0));
  if (film.window_width > 0) {
    element(body, 0x28, 0x1050, "DS", decimal(film.window_centre));
    element(body, 0x28, 0x1051, "DS", decimal(film.window_width));
  }
  element(body, 0x7FE0, 0x10, wide ? "OW" : "OB", pixels);
  write_file(path, std::string(128, '\0') + "DICM" + body);
}

}  // namespace cawe::data
