// SPDX-License-Identifier: Apache-2.0
// DICOM films: as they are looked at, their few tags that matter, and writing them.
#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "data/float_image.h"

namespace cawe::data {

/// What a film's header says about it; nothing else leaves the file.
struct DicomTags {
  std::string patient_id, study_instance, sop_instance, modality;
  std::string sex, view;  ///< as Sample has them
  float age = std::numeric_limits<float>::quiet_NaN();
  int rows = 0, columns = 0;
  int bits = 8;            ///< BitsStored
  bool burned_in = false;  ///< BurnedInAnnotation YES: text may show who it is
};

struct Film {
  FloatImage image;  ///< one gray channel in [0, 1]
  DicomTags tags;
};

/// One frame as it is looked at: modality rescale or LUT, then VOI LUT or the first window, then one
/// inversion for MONOCHROME1 (spec 6.5). Without window or LUT the stored range counts. RGB and YBR become
/// gray. Throws PictureError, also where there is more than one frame.
Film parse_film(std::string_view bytes, const std::string& name);
/// Reads the header alone, so films whose pixels cannot be decoded have tags too.
DicomTags parse_dicom_tags(std::string_view bytes, const std::string& name);

struct DicomToWrite {
  std::string patient_id, study_key;  ///< the UIDs follow from both and from the pixels
  int width = 0, height = 0;
  int bits = 12;                               ///< stored; 8 or 9 to 16
  bool inverted = false;                       ///< MONOCHROME1
  double window_centre = 0, window_width = 0;  ///< width 0: none
  std::vector<uint16_t> values;                ///< stored values, row by row
};
/// A computed-radiography file, explicit little-endian, the same bytes every time. Throws io.
void write_dicom(const std::string& path, const DicomToWrite& film);

}  // namespace cawe::data
