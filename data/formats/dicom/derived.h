// SPDX-License-Identifier: Apache-2.0
// A picture computed from a film, as DICOM: a derived Secondary Capture image of the same study. Of the
// patient no more than the id is written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cawe::data {

/// One attribute of the source that a derived image carries on, value as stored.
struct DicomAttribute {
  unsigned group = 0, number = 0;
  std::string vr, value;
};

/// What a derived image says about the file it was made from. Attributes come from a fixed list, so that
/// private and unknown ones never pass.
struct DicomOrigin {
  std::string sop_class, sop_instance;                ///< empty: no reference to a source image
  std::string study_instance, series_instance;        ///< empty: made from `key`
  std::string key;                                    ///< stands for the source where it has no UIDs
  std::vector<DicomAttribute> patient, study, image;  ///< the id alone; when and why; how the film lies
  bool lossy = false;                                 ///< was compressed with loss at some time
  std::string lossy_ratio, lossy_method;              ///< DS and CS values; method "" where not known
};

/// Of a DICOM file. Throws PictureError; also for a UID or an attribute that cannot be right (too long).
DicomOrigin dicom_origin(std::string_view bytes, const std::string& name);
/// Of any other picture: its patient is `image_id`, its study its own. `raw_bytes`: what its samples take,
/// for the ratio of a JPEG's compression.
DicomOrigin picture_origin(std::string_view bytes, const std::string& image_id, bool jpeg, size_t raw_bytes);

enum class Identity {
  keep,  ///< PatientID and the study's attributes and UIDs as they are
  hash   ///< PatientID becomes a hash, all UIDs new ones that hang together; dates are left out, too
};

struct DerivedImage {
  int width = 0, height = 0;
  int samples = 1;               ///< 1: MONOCHROME2; 3: RGB, interleaved
  int bits = 8;                  ///< 8, or 16 for gray
  std::vector<uint16_t> values;  ///< 0 is black, 2^bits - 1 white
  std::string series;            ///< SeriesDescription; images of one source series and one `series` share it
  std::string description;       ///< DerivationDescription: method and settings, up to 1024 bytes
};

/// The whole file, explicit little-endian; the same bytes for the same arguments. A gray image's window
/// covers its whole range.
std::string derived_dicom(const DicomOrigin& origin, const DerivedImage& image, Identity identity);

}  // namespace cawe::data
