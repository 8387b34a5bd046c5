// SPDX-License-Identifier: Apache-2.0
// SVG charts.
#include "report/charts/chart.h"

#include <algorithm>

#include "report/charts/svg.h"
#include "tensor/io/format.h"

namespace cawe::report {
namespace {

using svg::colour;
using svg::text_at;

constexpr double kWidth = 720, kHeight = 420, kLeft = 62, kTop = 24;
constexpr svg::FrocScale kScale = {62, 696, 52, 364};

std::string f(double v, int digits = 1) { return svg::number(v, digits); }

}  // namespace

FrocLine froc_line(const std::string& name, const eval::Evaluation& e) {
  FrocLine line{name, {}, e.band_x, e.band_low, e.band_high, {}};
  const std::vector<eval::FrocPoint>& points = e.curve.points;
  // Many points have the same height: only the corners of the steps are drawn.
  const auto add = [&](std::vector<std::pair<double, double>>* to, double eval::FrocPoint::*x) {
    for (const eval::FrocPoint& p : points)
      if (to->empty() || to->back().second != p.sensitivity) to->push_back({p.*x, p.sensitivity});
    if (!points.empty()) to->push_back({points.back().*x, points.back().sensitivity});
  };
  add(&line.points, &eval::FrocPoint::fp_per_image);
  if (e.negatives > 0) add(&line.negative_points, &eval::FrocPoint::fp_per_negative);
  return line;
}

std::string froc_svg(const ChartLabels& labels, const std::vector<FrocLine>& lines, bool bands) {
  std::string out = svg::begin(labels, kWidth, kHeight + 22 * double(lines.size())) + svg::froc_axes(kScale);
  out += text_at(kLeft, 28, labels.title, "start", "strong");
  for (size_t k = 0; bands && k < lines.size(); ++k) out += svg::band_path(kScale, lines[k], k);
  for (size_t k = 0; k < lines.size(); ++k) out += svg::step_path(kScale, lines[k].points, k, "line");
  for (size_t k = 0; k < lines.size(); ++k) {
    const double y = kHeight + 8 + 22 * double(k);
    out += "<rect x=\"" + f(kLeft) + "\" y=\"" + f(y - 4) + "\" width=\"22\" height=\"4\" rx=\"2\" fill=\"" +
           colour(k) + "\"/>" + text_at(kLeft + 32, y + 3, lines[k].name);
  }
  return out + "</svg>\n";
}

std::string froc_svg_inline(const ChartLabels& labels, const std::vector<FrocLine>& lines,
                            const std::string& id, const std::vector<FrocStyle>& styles) {
  std::string out = svg::open(labels, "0 40 720 380", id, "froc") + svg::froc_axes(kScale);
  for (size_t k = 0; k < lines.size(); ++k) {
    const FrocStyle& style = styles.at(k);
    const std::string kind = style.control ? "line control" : "line";
    out += "<g class=\"series" + std::string(k == 0 ? " lit" : "") + (style.control ? " off" : "") +
           "\" data-row=\"" + std::to_string(style.row) + "\">" +
           svg::band_path(kScale, lines[k], style.colour) +
           svg::step_path(kScale, lines[k].points, style.colour, kind);
    if (!lines[k].negative_points.empty())
      out += svg::step_path(kScale, lines[k].negative_points, style.colour, kind + " neg");
    out += "</g>";
  }
  return out + "<g class=\"marks\"></g><g class=\"probe\"></g></svg>\n";
}

std::string scatter_svg(const ChartLabels& labels, const std::vector<ScatterGroup>& groups,
                        const std::vector<std::string>& notes) {
  constexpr double kSide = 520, kPlot = 24;
  double low_x = 1e300, high_x = -1e300, low_y = 1e300, high_y = -1e300;
  for (const ScatterGroup& g : groups)
    for (const auto& [x, y] : g.points) {
      low_x = std::min(low_x, x);
      high_x = std::max(high_x, x);
      low_y = std::min(low_y, y);
      high_y = std::max(high_y, y);
    }
  // The same scale for both axes, the points centred.
  const double scale = (kSide - 40) / std::max({high_x - low_x, high_y - low_y, 1e-12});
  const double middle_x = kPlot + kSide / 2 - scale * (low_x + high_x) / 2;
  const double middle_y = kTop + kSide / 2 + scale * (low_y + high_y) / 2;
  std::string out = svg::begin(labels, 860, kTop + kSide + 16);
  out += "<rect x=\"" + f(kPlot) + "\" y=\"" + f(kTop) + "\" width=\"" + f(kSide) + "\" height=\"" +
         f(kSide) + "\" fill=\"none\" class=\"grid\"/>";
  // The groups' marks differ in shape as well as in colour.
  const char* const marks[] = {"M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z", "M-3.6 -3.6h7.2v7.2h-7.2Z",
                               "M0 -5L4.6 3.4H-4.6Z", "M0 -5L5 0L0 5L-5 0Z"};
  double y = kTop + 16;
  for (size_t k = 0; k < groups.size(); ++k, y += 26) {
    const std::string fill = groups[k].colour.empty() ? colour(k) : escape_markup(groups[k].colour);
    const std::string open = "<path class=\"dot\" d=\"" + std::string(marks[k % 4]) + "\" fill=\"" + fill +
                             "\" fill-opacity=\".8\" transform=\"translate(";
    for (const auto& [px, py] : groups[k].points)
      out += open + f(middle_x + px * scale) + "," + f(middle_y - py * scale) + ")\"/>";
    out += "<path d=\"" + std::string(marks[k % 4]) + "\" fill=\"" + fill + "\" transform=\"translate(" +
           f(kPlot + kSide + 24) + "," + f(y - 4.5) + ")\"/>" +
           text_at(kPlot + kSide + 38, y, groups[k].name);
  }
  y += 12;
  for (const std::string& note : notes) {
    out += text_at(kPlot + kSide + 19, y, note, "start", "small");
    y += 20;
  }
  return out + "</svg>\n";
}

}  // namespace cawe::report
