// SPDX-License-Identifier: Apache-2.0
// From a file to the floating-point picture that the loader works on.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "data/dataset.h"
#include "data/float_image.h"
#include "data/formats/picture/picture.h"
#include "data/sample.h"

namespace cawe::data {

/// DICOM, PNG or JPEG as one gray channel in [0, 1]; a DICOM film as a viewer shows it (window and polarity
/// applied). Throws data for a bad file.
FloatImage decode_gray(const Sample& sample);
FloatImage decode_gray_file(const std::string& path);
/// PNG or JPEG as RGB in [0, 1].
FloatImage decode_color(const Sample& sample);

/// A gray film and what is needed to write its enhanced form.
struct DecodedFilm {
  FloatImage image;
  /// Stored bits of a sample: above 8 the film has more gray levels than an 8-bit file can hold.
  int bits = 8;
  PictureFormat format = PictureFormat::unknown;
};
DecodedFilm decode_film(std::string_view bytes, const std::string& name);

/// Size of any of these files, for resolve_images(). Of a DICOM file only the header is read, with the
/// patient's sex, age and view.
ImageFacts image_facts(const std::string& path);

}  // namespace cawe::data
