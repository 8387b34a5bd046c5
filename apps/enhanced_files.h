// SPDX-License-Identifier: Apache-2.0
// The files that `cawe enhance` writes: their names, and their bytes as PNG or DICOM.
#pragma once

#include <string>
#include <vector>

#include "apps/outputs.h"
#include "data/decode.h"
#include "data/formats/dicom/derived.h"
#include "data/sample.h"

namespace cawe::apps {

enum class OutputFormat {
  png,    ///< 16 bits for gray and RGB where the film had more than 8
  dicom,  ///< derived image
  same    ///< DICOM where the film was DICOM, else PNG
};

/// How enhanced films are written, for all of one call.
struct OutputStyle {
  OutputFormat format = OutputFormat::png;
  data::Identity identity = data::Identity::keep;
  std::string method;       ///< part of the series' description
  std::string description;  ///< DerivationDescription: method and settings
};

/// OUT/ID.png or .dcm for each film; with maps OUT/ID_map.png, too. Throws usage where two films would get
/// one name, where one would be the folder of another, where one would replace a film or one of `read`, or (unless
/// `overwrite`) where a file exists.
class OutputNames {
 public:
  OutputNames(const data::Dataset& dataset, const std::string& out, const OutputStyle& style, bool maps,
              bool overwrite, const ReadFiles& read);
  const std::string& film(size_t i) const { return films_[i]; }
  const std::string& map(size_t i) const { return maps_[i]; }

 private:
  std::vector<std::string> films_, maps_;
};

/// The enhanced film (1 or 3 channels in [0, 1]) as a file. `bytes` are the source's.
std::string encode_enhanced(const data::FloatImage& image, const data::DecodedFilm& film,
                            const std::string& bytes, const data::Sample& sample, const OutputStyle& style);

}  // namespace cawe::apps
