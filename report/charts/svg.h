// SPDX-License-Identifier: Apache-2.0
// SVG elements shared by charts and figures: style, colours, text, lines, the FROC axes and curves.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "report/charts/chart.h"

namespace cawe::report::svg {

/// A number for an attribute, with a fixed number of digits.
std::string number(double v, int digits = 1);
/// Colour of series k, as a CSS variable.
std::string colour(size_t k);

/// Opening tag with title and description for screen readers. `id` distinguishes the ids of several charts in
/// a page.
std::string open(const ChartLabels& labels, const std::string& view_box, const std::string& id,
                 const char* css_class);
/// The same for a file of its own, with style and background; to be closed by "</svg>\n".
std::string begin(const ChartLabels& labels, double width, double height);

std::string text_at(double x, double y, const std::string& text, const char* anchor = "start",
                    const char* css_class = "");
std::string line_at(double x1, double y1, double x2, double y2);

/// Maps false positives per image and sensitivity to coordinates.
struct FrocScale {
  double left = 0, right = 0, top = 0, bottom = 0;
  double x(double fp) const;  ///< fp is clamped to 0 … 8
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
