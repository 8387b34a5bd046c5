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

/// A point of a drawn FROC curve; from … to: the score thresholds that give it, least and highest of the seeds.
struct CurvePoint {
  double x = 0, sensitivity = 0;
  double from = 0, to = 0;
};

/// A FROC curve, x rising from the first point on, and a pointwise band where one is known. As it is read (Sens@N), so it
/// is drawn: as steps from (0, 0), or, where reading interpolates, as straight lines; two points of one x are a jump.
struct FrocLine {
  std::string name;
  std::vector<CurvePoint> points;
  std::vector<double> band_x, band_low, band_high;
  std::vector<CurvePoint> negative_points = {};  ///< x of lesion-free images; may be empty
  bool straight = false;
};
/// The curve of several seeds of one system: at each x the mean of their sensitivities, so that the mean of their Sens@N
/// lies on it. The band of one seed is over patients, for these weights; that of several is the mixed model's
/// (eval/seed_figures.h), seeds and patients both drawn. Throws Error(internal) without a seed.
FrocLine froc_line(const std::string& name, const std::vector<const eval::Evaluation*>& seeds);
/// The curve at x: 0 (steps) or its first value before the first point, its last value behind the last.
double curve_value(const std::vector<CurvePoint>& points, bool straight, double x);

/// x: 0 to 8 false positives an image, y: sensitivity 0 to 1.
std::string froc_svg(const ChartLabels& labels, const std::vector<FrocLine>& lines, bool bands);

/// How a row's curve is drawn in a page: as series `colour` (svg::colour()), with the dashes and marks that go with it; a
/// control is thinner, with hollow marks, and hidden at first.
struct FrocStyle {
  size_t row = 0, colour = 0;
  bool control = false;
};
/// The same chart, with both denominators and both axes (groups of the classes "lin" and "log"), for a page with its own
/// style sheet and legend: line k is a group of class "series" with data-row = styles[k].row. `id` keeps element ids unique
/// in the page.
std::string froc_svg_inline(const ChartLabels& labels, const std::vector<FrocLine>& lines,
                            const std::string& id, const std::vector<FrocStyle>& styles);
/// A short piece of a row's curve with its mark, for a legend.
std::string froc_sample(size_t colour, bool control);
/// Number of colours in the palette; and the style sheet with --s0, --s1, … for light and dark backgrounds.
size_t series_count();
std::string series_css(bool dark);

/// Points of named groups; axes have no unit (t-SNE). `colour` is a CSS colour or "" for the palette's next.
struct ScatterGroup {
  std::string name, colour;
  std::vector<std::pair<double, double>> points;
};
/// Lines under the legend; where a letter is given, it names a panel: the first the points, others what the lines say.
struct ScatterNotes {
  std::string letter;
  std::vector<std::string> lines;
};
std::string scatter_svg(const ChartLabels& labels, const std::vector<ScatterGroup>& groups,
                        const std::vector<ScatterNotes>& notes = {});

}  // namespace cawe::report
