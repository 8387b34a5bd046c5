// SPDX-License-Identifier: Apache-2.0
// A picture computed from a film, as DICOM: a derived Secondary Capture image of the same study. Of the
// patient's data only the id is written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cawe::data {

/// One attribute that a derived image takes over from its source, value as stored.
struct DicomAttribute {
  unsigned group = 0, number = 0;
  std::string vr, value;
};

/// What a derived image takes over from the file it was made from. Attributes come from a fixed list, so that
/// private and unknown ones are never copied.
struct DicomOrigin {
  std::string sop_class, sop_instance;          ///< empty: no reference to a source image
  std::string study_instance, series_instance;  ///< empty: made from `key`
  std::string key;                              ///< identifies a source without UIDs
  std::string patient_id;                       ///< as UTF-8, for Identity::hash; empty: `key`
  /// Attributes of the patient (the id alone), of the study (time, reason) and of the image (orientation,
  /// spacing).
  std::vector<DicomAttribute> patient, study, image;
  bool lossy = false;                     ///< the source was once compressed with loss
  std::string lossy_ratio, lossy_method;  ///< values of VR DS and CS; an unknown method is ""
};

/// Whether it has nothing but what a DICOM file's origin may have (parse_film() with ReadOptions::origin makes it):
/// valid UIDs, attributes of the list, lengths up to 1024 bytes.
bool is_origin(const DicomOrigin& origin);
constexpr size_t kMostOriginAttributes = 16;  ///< of each of its lists
/// Origin from any other picture than DICOM: its patient is `image_id` (changed where no PatientID can be that, and then
/// with a hash behind it), and it is a study of its own. `raw_bytes`: size of its samples, for the compression ratio of
/// a JPEG.
DicomOrigin picture_origin(std::string_view bytes, const std::string& image_id, bool jpeg, size_t raw_bytes);

enum class Identity {
  keep,  ///< PatientID and the study's attributes and UIDs as they are
  hash   ///< PatientID becomes a hash, UIDs become new, consistent ones; dates are left out
};

/// The computed picture itself.
struct DerivedImage {
  int width = 0, height = 0;
  int samples = 1;               ///< 1: MONOCHROME2; 3: RGB, interleaved
  int bits = 8;                  ///< 8, or 16 for gray
  std::vector<uint16_t> values;  ///< 0 is black, 2^bits - 1 white
  /// SeriesDescription; images of one source series with the same `series` get one new series.
  std::string series;
  std::string description;  ///< DerivationDescription: method and settings, up to 1024 bytes
};

/// The whole file, explicit little-endian; the same bytes for the same arguments. A gray image's window
/// covers its full range.
std::string derived_dicom(const DicomOrigin& origin, const DerivedImage& image, Identity identity);

}  // namespace cawe::data
