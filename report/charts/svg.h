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
/// Colour of series k, as a CSS variable. Colours come again after series_count() series; the dashes and marks that go with k
/// are then others: no two series have both in common.
std::string colour(size_t k);

/// Opening tag with title and description for screen readers. `id` distinguishes the ids of several charts in
/// a page.
std::string open(const ChartLabels& labels, const std::string& view_box, const std::string& id,
                 const char* css_class);
/// The same for a file of its own, with style and background; to be closed by "</svg>\n".
std::string begin(const ChartLabels& labels, double width, double height);

std::string text_at(double x, double y, const std::string& text, const char* anchor = "start",
                    const char* css_class = "");
/// A panel's title behind its letter.
std::string lettered(double x, double y, const std::string& letter, const std::string& text);
/// With two significant digits: "0.0012", "0.50", "12", "1.2·10⁻⁷".
std::string two_digits(double v);
std::string line_at(double x1, double y1, double x2, double y2);

/// Maps false positives per image and sensitivity to coordinates.
struct FrocScale {
  double left = 0, right = 0, top = 0, bottom = 0;
  bool log = false;            ///< x by octaves from 1/16, where everything below stands, too
  double x(double fp) const;   ///< fp is clamped to 0 … 8
  double fp(double at) const;  ///< the other way round
  double y(double sensitivity) const;
};
/// Grid and labels of both axes; their labels have the classes "axis-x" and "axis-y".
std::string froc_axes(const FrocScale& scale);
/// The pointwise interval as an area; "" without one.
std::string band_path(const FrocScale& scale, const FrocLine& line, size_t colour);
/// The curve, with the dashes that go with its colour.
std::string curve_path(const FrocScale& scale, const std::vector<CurvePoint>& points, bool straight,
                       size_t colour, const std::string& css_class);

/// Marks that tell the curve from the others of its chart: it is the k-th of n.
struct Marks {
  size_t k = 0, n = 1, colour = 0;
  bool hollow = false;
  std::string css_class;
};
/// Four marks on the curve, at places of the axis where no other curve of the chart has one; fewer where it ends before.
std::string curve_marks(const FrocScale& scale, const std::vector<CurvePoint>& points, bool straight,
                        const Marks& marks);
/// The mark that goes with a colour.
std::string mark_at(double x, double y, size_t colour, bool hollow, const std::string& css_class);
/// A piece of curve 38 wide with its mark, for a key.
std::string sample_at(double x, double y, size_t colour, bool control);

}  // namespace cawe::report::svg
