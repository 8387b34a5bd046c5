// SPDX-License-Identifier: Apache-2.0
// Pictures inside figures, and figures as files.
#include "report/figures/figure.h"

#include <cmath>
#include <filesystem>
#include <set>

#include "data/formats/picture/png.h"
#include "report/base64.h"
#include "tensor/error.h"
#include "tensor/io/files.h"

namespace cawe::report {
namespace {

void check_picture(const FigurePicture& p) {
  CAWE_CHECK(p.width > 0 && p.height > 0 && (p.channels == 1 || p.channels == 3) &&
                 int64_t(p.pixels.size()) == p.width * p.height * p.channels,
             Code::internal, "figure: picture of ", p.pixels.size(), " bytes for ", p.width, " x ", p.height,
             " x ", p.channels);
}

uint8_t rounded(double v) { return uint8_t(std::lround(v < 0 ? 0 : v > 255 ? 255 : v)); }

}  // namespace

std::string picture_uri(const FigurePicture& p) {
  check_picture(p);
  const std::vector<uint16_t> values(p.pixels.begin(), p.pixels.end());
  return "data:image/png;base64," +
         base64(data::encode_png(int(p.width), int(p.height), int(p.channels), 8, values));
}

std::array<double, 3> heat(uint8_t value) {
  static constexpr double ramp[5][3] = {
      {0, 0, 4}, {87, 15, 109}, {187, 55, 84}, {249, 142, 8}, {252, 255, 164}};
  const double at = value / 255.0 * 4;
  const int i = at >= 4 ? 3 : int(at);
  std::array<double, 3> rgb;
  for (size_t c = 0; c < 3; ++c) rgb[c] = ramp[i][c] + (at - i) * (ramp[i + 1][c] - ramp[i][c]);
  return rgb;
}

FigurePicture heat_overlay(const FigurePicture& picture, const FigurePicture& map) {
  check_picture(picture);
  check_picture(map);
  CAWE_CHECK(map.channels == 1 && map.width == picture.width && map.height == picture.height, Code::internal,
             "figure: a map of ", map.width, " x ", map.height, " x ", map.channels, " over a picture of ",
             picture.width, " x ", picture.height);
  FigurePicture out{picture.width, picture.height, 3, {}};
  for (size_t i = 0; i < map.pixels.size(); ++i) {
    const double mix = 0.55 * std::sqrt(map.pixels[i] / 255.0);
    const std::array<double, 3> rgb = heat(map.pixels[i]);
    for (size_t c = 0; c < 3; ++c) {
      const double under = picture.pixels[picture.channels == 1 ? i : 3 * i + c];
      out.pixels.push_back(rounded(under * (1 - mix) + rgb[c] * mix));
    }
  }
  return out;
}

FigurePicture heat_picture(const FigurePicture& map) {
  check_picture(map);
  FigurePicture out{map.width, map.height, 3, {}};
  for (const uint8_t v : map.pixels)
    for (const double c : heat(v)) out.pixels.push_back(rounded(c));
  return out;
}

void write_figures(const std::string& dir, const std::vector<Figure>& figures) {
  std::set<std::string> names;
  const auto check = [&](const std::string& name) {
    const bool plain =
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
        std::string::npos;
    CAWE_CHECK(plain && !name.empty() && names.insert(name).second, Code::internal, "figure name '", name,
               "' (expected letters, digits, - and _, each name once)");
  };
  for (const Figure& figure : figures) {
    check(figure.name);
    if (!figure.other_svg.empty()) check(figure.other_name);
  }
  make_folders(dir);
  const std::filesystem::path folder(dir);
  for (const Figure& figure : figures) {
    write_file((folder / (figure.name + ".svg")).string(), figure.svg);
    write_file((folder / (figure.name + ".csv")).string(), figure.csv);
    if (!figure.other_svg.empty())
      write_file((folder / (figure.other_name + ".svg")).string(), figure.other_svg);
  }
}

}  // namespace cawe::report
