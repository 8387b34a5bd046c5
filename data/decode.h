// SPDX-License-Identifier: Apache-2.0
// From a file to the float picture that the loader works on.
#pragma once

#include <string>
#include <utility>

#include "data/float_image.h"
#include "data/sample.h"

namespace cawe::data {

/// DICOM, PNG or JPEG as one gray channel in [0, 1]; a DICOM film as it is looked at (window and polarity
/// applied). Throws data for a bad file.
FloatImage decode_gray(const Sample& sample);
FloatImage decode_gray_file(const std::string& path);
/// PNG or JPEG as RGB in [0, 1].
FloatImage decode_color(const Sample& sample);

/// Width and height of any of these files, for resolve_images(). Of a DICOM only the header is read.
std::pair<int, int> image_size(const std::string& path);

}  // namespace cawe::data
