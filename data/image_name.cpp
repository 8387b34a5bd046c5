// SPDX-License-Identifier: Apache-2.0
#include "data/image_name.h"

#include "tensor/text.h"

namespace cawe::data {

const std::vector<std::string>& image_endings() {
  static const std::vector<std::string> endings = {".dcm", ".dicom", ".png", ".jpg", ".jpeg",
                                                   ".bmp", ".pbm",   ".pgm", ".ppm", ".pnm"};
  return endings;
}

std::string image_ending(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || name.find('/', dot) != std::string_view::npos) return "";
  const std::string ending = lower(std::string(name.substr(dot)));
  for (const std::string& known : image_endings())
    if (ending == known) return ending;
  return "";
}

std::string without_image_ending(std::string_view name) {
  return std::string(name.substr(0, name.size() - image_ending(name).size()));
}

}  // namespace cawe::data
