// SPDX-License-Identifier: Apache-2.0
// Writes a film as DICOM with the few elements that are needed.
#include "data/formats/dicom/elements.h"
#include "data/formats/dicom/film.h"
#include "data/hash.h"
#include "tensor/error.h"
#include "tensor/io/files.h"

namespace cawe::data {

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
  const std::string kComputedRadiography = "1.2.840.10008.5.1.4.1.1.1";
  const std::string study = dicom_uid("study " + film.patient_id + " " + film.study_key);
  const std::string instance =
      dicom_uid("film " + film.patient_id + " " + film.study_key + " " + sha256(pixels));
  std::string body;
  dicom_element(body, 8, 0x16, "UI", kComputedRadiography);
  dicom_element(body, 8, 0x18, "UI", instance);
  dicom_element(body, 8, 0x60, "CS", "CR");
  dicom_element(body, 0x10, 0x10, "PN", "Phantom^" + film.patient_id);
  dicom_element(body, 0x10, 0x20, "LO", film.patient_id);
  dicom_element(body, 0x18, 0x5101, "CS", "PA");
  dicom_element(body, 0x20, 0xD, "UI", study);
  dicom_element(body, 0x20, 0xE, "UI", dicom_uid("series " + film.patient_id + " " + film.study_key));
  dicom_element(body, 0x28, 2, "US", dicom_us(1));
  dicom_element(body, 0x28, 4, "CS", film.inverted ? "MONOCHROME1" : "MONOCHROME2");
  dicom_element(body, 0x28, 0x10, "US", dicom_us(unsigned(film.height)));
  dicom_element(body, 0x28, 0x11, "US", dicom_us(unsigned(film.width)));
  dicom_element(body, 0x28, 0x100, "US", dicom_us(wide ? 16 : 8));
  dicom_element(body, 0x28, 0x101, "US", dicom_us(unsigned(film.bits)));
  dicom_element(body, 0x28, 0x102, "US", dicom_us(unsigned(film.bits) - 1));
  dicom_element(body, 0x28, 0x103, "US", dicom_us(0));
  if (film.window_width > 0) {
    dicom_element(body, 0x28, 0x1050, "DS", dicom_ds(film.window_centre));
    dicom_element(body, 0x28, 0x1051, "DS", dicom_ds(film.window_width));
  }
  dicom_element(body, 0x7FE0, 0x10, wide ? "OW" : "OB", pixels);
  write_file(path, dicom_file(kComputedRadiography, instance, body));
}

}  // namespace cawe::data
