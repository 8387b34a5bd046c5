// SPDX-License-Identifier: Apache-2.0
#include "apps/enhanced_files.h"

#include <filesystem>
#include <set>

#include "data/formats/picture/png.h"
#include "tensor/error.h"
#include "tensor/io/file_beginning.h"

namespace cawe::apps {
namespace fs = std::filesystem;
namespace {

bool as_dicom(OutputFormat format, data::PictureFormat film) {
  return format == OutputFormat::dicom ||
         (format == OutputFormat::same && film == data::PictureFormat::dicom);
}

/// The format, by the first bytes of the file.
data::PictureFormat format_of(const std::string& path) {
  return data::picture_format(read_beginning(path, 132));
}

}  // namespace

OutputNames::OutputNames(const data::Dataset& dataset, const std::string& out, const OutputStyle& style,
                         bool maps, bool overwrite, const ReadFiles& read) {
  std::set<std::string> taken;
  const auto take = [&](const std::string& path) {
    CAWE_CHECK(too_long(path).empty(), Code::usage, path, ": ", too_long(path));
    CAWE_CHECK(taken.insert(path).second, Code::usage, path,
               ": two outputs would have this name. Rename one of the films");
    read.keep(path, "--out");
    CAWE_CHECK(overwrite || !fs::exists(fs::symlink_status(path)), Code::usage, path,
               ": is there already (--overwrite replaces it)");
    return path;
  };
  for (const data::Sample& s : dataset.samples) {
    const std::string stem = out + "/" + s.image_id;
    films_.push_back(take(stem + (as_dicom(style.format, format_of(s.path)) ? ".dcm" : ".png")));
    maps_.push_back(maps ? take(stem + "_map.png") : "");
  }
  for (const std::string& path : taken)
    for (fs::path above = fs::path(path).parent_path(); above.has_relative_path() && above != fs::path(out);
         above = above.parent_path())
      CAWE_CHECK(taken.count(above.string()) == 0, Code::usage, path, ": ", above.string(),
                 " would be the name of another film, too. Rename one of the films");
}

std::string encode_enhanced(const data::FloatImage& image, const data::DecodedFilm& film,
                            const std::string& bytes, const data::Sample& sample, const OutputStyle& style) {
  const int wide = film.bits > 8 ? 16 : 8;
  if (!as_dicom(style.format, film.format))
    return data::encode_png(image.width, image.height, image.channels, wide, data::to_levels(image, wide));
  data::DerivedImage derived;
  derived.width = image.width;
  derived.height = image.height;
  derived.samples = image.channels;
  derived.bits = image.channels == 3 ? 8 : wide;  // viewers do not expect 16-bit RGB
  derived.values = data::to_levels(image, derived.bits);
  derived.series = "cawe " + style.method + " (research)";
  derived.description = style.description;
  const data::DicomOrigin origin =
      film.format == data::PictureFormat::dicom
          ? film.origin
          : data::picture_origin(bytes, sample.image_id, film.format == data::PictureFormat::jpeg,
                                 film.image.pixels.size());
  return data::derived_dicom(origin, derived, style.identity);
}

}  // namespace cawe::apps
