// SPDX-License-Identifier: Apache-2.0
// From a file to the float picture that the loader works on.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "data/dataset.h"
#include "data/float_image.h"
#include "data/formats/picture/picture.h"
#include "data/sample.h"

namespace cawe::data {

/// DICOM, PNG or JPEG as one gray channel in [0, 1]; a DICOM film as it is looked at (window and polarity
/// applied). Throws data for a bad file.
FloatImage decode_gray(const Sample& sample);
FloatImage decode_gray_file(const std::string& path);
/// PNG or JPEG as RGB in [0, 1].
FloatImage decode_color(const Sample& sample);

/// A gray film and what a writer of its enhanced form must know.
struct DecodedFilm {
  FloatImage image;
  int bits = 8;  ///< stored bits a sample: above 8 a film has more gray levels than 8-bit files can hold
  PictureFormat format = PictureFormat::unknown;
};
DecodedFilm decode_film(std::string_view bytes, const std::string& name);

/// Size of any of these files, for resolve_images(); of a DICOM, whose header alone is read, whom it shows,
/// too.
ImageFacts image_facts(const std::string& path);

}  // namespace cawe::data
