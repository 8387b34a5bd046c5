// SPDX-License-Identifier: Apache-2.0
// Names of films in tables and outputs. One rule for every reader, so that a detection meets its truth.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cawe::data {

/// The known image endings, in lower case.
const std::vector<std::string>& image_endings();

/// The ending of a file name where it is one of the known image endings (.dcm, .dicom, .png, .jpg, .jpeg,
/// .bmp, .pbm, .pgm, .ppm, .pnm), in lower case, else "". A UID has dots and no ending: "1.2.3.99" has none.
std::string image_ending(std::string_view name);

/// `name` (a file name, or a path below the data folder) without such an ending: "1.2.3" stays "1.2.3",
/// "p1/view1.PNG" becomes "p1/view1".
std::string without_image_ending(std::string_view name);

}  // namespace cawe::data
