// SPDX-License-Identifier: Apache-2.0
// Charts as SVG text: FROC curves with bands, scatter plots. Each has a title and a description for screen
// readers, names its series in words, and follows the reader's light or dark setting.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "eval/evaluate.h"
#include "tensor/io/format.h"

namespace cawe::report {

/// A chart's title and description.
struct ChartLabels {
  std::string title, description;
};

/// A FROC curve: points of a step line, x rising, and a pointwise band where one is known.
struct FrocLine {
  std::string name;
  std::vector<std::pair<double, double>> points;
  std::vector<double> band_x, band_low, band_high;
  std::vector<std::pair<double, double>> negative_points = {};  ///< x of lesion-free images; may be empty
};
FrocLine froc_line(const std::string& name, const eval::Evaluation& evaluation);

/// x: 0 to 8 false positives an image, y: sensitivity 0 to 1.
std::string froc_svg(const ChartLabels& labels, const std::vector<FrocLine>& lines, bool bands);

/// How a row's curve is drawn in a page: colour --s<colour>; a control is dashed and hidden at first.
struct FrocStyle {
  size_t row = 0, colour = 0;
  bool control = false;
};
/// The same chart, with both denominators, for a page with its own style sheet and legend: line k is a group
/// of class "series" with data-row = styles[k].row. `id` keeps element ids unique in the page.
std::string froc_svg_inline(const ChartLabels& labels, const std::vector<FrocLine>& lines,
                            const std::string& id, const std::vector<FrocStyle>& styles);
/// Number of colours in the palette; and the style sheet with --s0, --s1, … for light and dark backgrounds.
size_t series_count();
std::string series_css(bool dark);

/// Points of named groups; axes have no unit (t-SNE). `colour` is a CSS colour or "" for the palette's next.
struct ScatterGroup {
  std::string name, colour;
  std::vector<std::pair<double, double>> points;
};
/// `notes` stand under the legend, one per line.
std::string scatter_svg(const ChartLabels& labels, const std::vector<ScatterGroup>& groups,
                        const std::vector<std::string>& notes = {});

}  // namespace cawe::report
