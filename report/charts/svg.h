// SPDX-License-Identifier: Apache-2.0
// Pieces of SVG shared by charts and figures: style, colours, text, lines and the FROC axes' curves.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "report/charts/chart.h"

namespace cawe::report::svg {

/// A number for an attribute, with fixed digits.
std::string number(double v, int digits = 1);
/// Colour k of the series, as a CSS variable.
std::string colour(size_t k);

/// Opening tag with title and description for screen readers. `id` keeps the ids of several charts in one
/// page apart.
std::string open(const ChartLabels& labels, const std::string& view_box, const std::string& id,
                 const char* css_class);
/// The same as a picture of its own: style and ground come with it; closed by "</svg>\n".
std::string begin(const ChartLabels& labels, double width, double height);

std::string text_at(double x, double y, const std::string& text, const char* anchor = "start",
                    const char* css_class = "");
std::string line_at(double x1, double y1, double x2, double y2);

/// Where false positives an image and sensitivities lie in a drawing.
struct FrocScale {
  double left = 0, right = 0, top = 0, bottom = 0;
  double x(double fp) const;  ///< 0 … 8, cut at 8
  double y(double sensitivity) const;
};
/// Grid and labels of both axes; the x label has the class "axis-x".
std::string froc_axes(const FrocScale& scale);
/// The pointwise interval as an area; "" without one.
std::string band_path(const FrocScale& scale, const FrocLine& line, size_t colour);
/// The curve as a step line from (0, 0).
std::string step_path(const FrocScale& scale, const std::vector<std::pair<double, double>>& points,
                      size_t colour, const std::string& css_class);

}  // namespace cawe::report::svg
