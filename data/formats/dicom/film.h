// SPDX-License-Identifier: Apache-2.0
// DICOM films: their pixels as a viewer shows them, the few tags that are needed, and writing films.
#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "data/float_image.h"
#include "data/formats/dicom/derived.h"
#include "data/formats/picture/picture.h"

namespace cawe::data {

/// The only header values that are read for use outside.
struct DicomTags {
  std::string patient_id, study_instance, sop_instance;
  std::string sex, view;  ///< spelled as in Sample
  float age = std::numeric_limits<float>::quiet_NaN();
  int bits = 8;            ///< BitsStored
  bool burned_in = false;  ///< BurnedInAnnotation is YES: text in the pixels may identify the patient
};

/// A film as a viewer shows it, with its tags.
struct Film {
  FloatImage image;  ///< one gray channel in [0, 1]
  DicomTags tags;
  std::string damage;  ///< as Picture's
  DicomOrigin origin;  ///< where ReadOptions::origin asks for it
};

/// One frame as a viewer shows it (DICOM PS3.3 C.11): modality rescale or LUT, then the VOI LUT or the first
/// window, then one inversion for MONOCHROME1. Without window and LUT the range of BitsStored is mapped to
/// [0, 1]. RGB and YBR become gray. Throws PictureError, also for more than one frame (before any is decoded), and
/// for an attribute that the origin needs and that is too long to be valid.
Film parse_film(std::string_view bytes, const std::string& name, const ReadOptions& options = {});

/// A film to be written as DICOM.
struct DicomToWrite {
  std::string patient_id, study_key;  ///< the file's UIDs are derived from both and from the pixels
  int width = 0, height = 0;
  int bits = 12;                               ///< BitsStored: 8, or 9 to 16
  bool inverted = false;                       ///< MONOCHROME1
  double window_centre = 0, window_width = 0;  ///< width 0: none
  std::vector<uint16_t> values;                ///< stored values, row by row
};
/// A computed-radiography file, explicit little-endian, the same bytes every time. Throws io.
void write_dicom(const std::string& path, const DicomToWrite& film);

}  // namespace cawe::data
