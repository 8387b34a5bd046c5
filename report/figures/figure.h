// SPDX-License-Identifier: Apache-2.0
// A figure of the study: its drawing and its numbers, for the report's page and as files.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace cawe::report {

/// `svg` is a complete document that follows the reader's light or dark setting; `csv` has the numbers it
/// shows.
struct Figure {
  std::string name;  ///< "figure1": name of its files and id in the page; letters, digits, "-" and "_"
  std::string title, caption;
  std::string svg, csv;
  /// Another drawing of the same numbers, which is a file, too, and may be had from the page: "figure4-log".
  std::string other_name = {}, other_svg = {};
};

/// An 8-bit picture, rows from the top; channels 1 (grey) or 3 (RGB).
struct FigurePicture {
  int64_t width = 0, height = 0, channels = 1;
  std::vector<uint8_t> pixels;
  bool empty() const { return pixels.empty(); }
};
/// "data:image/png;base64,…". Throws Error(internal) where pixels and size do not match.
std::string picture_uri(const FigurePicture& picture);

/// Black, violet, red, amber, white: lightness rises, so that a map is readable without colour too.
std::array<double, 3> heat(uint8_t value);
/// The map in colour over a gray or colour picture of the same size; its opacity is 0.55 sqrt(map / 255).
FigurePicture heat_overlay(const FigurePicture& picture, const FigurePicture& map);
/// The map alone in colour.
FigurePicture heat_picture(const FigurePicture& map);

/// Writes DIR/NAME.svg and DIR/NAME.csv of each figure, and the other drawings, each whole or not at all; makes DIR. Throws
/// Error(internal) on a bad or repeated name before anything is written, Error(io) where it cannot write.
void write_figures(const std::string& dir, const std::vector<Figure>& figures);

}  // namespace cawe::report
