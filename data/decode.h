// SPDX-License-Identifier: Apache-2.0
// From a file to the floating-point picture that the loader works on.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "data/dataset.h"
#include "data/float_image.h"
#include "data/formats/dicom/derived.h"
#include "data/formats/picture/picture.h"
#include "data/sample.h"

namespace cawe::data {

/// DICOM, PNG, JPEG, BMP or PNM as one gray channel in [0, 1], as a viewer shows it: a DICOM film with window and
/// polarity applied, a picture that EXIF says is turned upright. Throws data for a bad file; for damaged pixels, too,
/// unless Sample::allow_damaged or no more is missing than some scans of a JPEG. Damage that Sample::damage does not name
/// is then told on stderr, once a file.
FloatImage decode_gray(const Sample& sample);
FloatImage decode_gray_file(const std::string& path);
/// Any but DICOM as RGB in [0, 1], likewise.
FloatImage decode_color(const Sample& sample);
/// The bytes that these two decode. Throws data where Sample::only_as_read does not allow them.
std::string read_film(const Sample& sample);

/// A gray film and what is needed to write its enhanced form.
struct DecodedFilm {
  FloatImage image;
  /// Stored bits of a sample: above 8 the film has more gray levels than an 8-bit file can hold.
  int bits = 8;
  PictureFormat format = PictureFormat::unknown;
  std::string damage;  ///< as Picture's
  DicomOrigin origin;  ///< as Film's
};
DecodedFilm decode_film(std::string_view bytes, const std::string& name, const ReadOptions& options = {});

/// What resolve_images() asks of any of these files: size as decode_gray() gives it, a DICOM film's tags, and hashes.
ImageFacts image_facts(std::string_view bytes, const std::string& name, const ReadOptions& options = {});

}  // namespace cawe::data
