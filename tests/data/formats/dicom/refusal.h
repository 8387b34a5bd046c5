// SPDX-License-Identifier: Apache-2.0
// What the film reader says of DICOM bytes.
#pragma once

#include <string>

#include "data/formats/dicom/film.h"

namespace cawe::data {

/// Kind and text of the refusal, or "read".
inline std::string refusal(const std::string& bytes) {
  try {
    parse_film(bytes, "made");
    return "read";
  } catch (const PictureError& e) {
    return e.kind() + ": " + e.what();
  }
}

}  // namespace cawe::data
