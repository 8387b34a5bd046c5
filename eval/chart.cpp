// SPDX-License-Identifier: Apache-2.0
// SVG charts.
#include "eval/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

#include "eval/json_writer.h"

namespace cawe::eval {
namespace {

constexpr double kWidth = 720, kHeight = 420, kLeft = 62, kRight = 24, kTop = 52, kBottom = 56;
constexpr double kFpMax = 8;

// Distinct in hue and in lightness, readable on both grounds; the second list is for dark grounds.
const char* const kLight[] = {"#1f5fa8", "#c2570c", "#0f7a68", "#8a3fb0",
                              "#b3263e", "#6b6a00", "#4a5568", "#a0266f"};
const char* const kDark[] = {"#7db4f0", "#f0a060", "#5fd0b8", "#cf9bf0",
                             "#f58a9b", "#cfc94f", "#b3bfcc", "#f08fc8"};
constexpr size_t kSeries = 8;

std::string f(double v, int digits = 1) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, v);
  return text;
}

/// Scoped by the class, since several charts may stand in one page.
std::string style() {
  const std::string light =
      "--ink:#1c2430;--soft:#5a6675;--rule:#d5dae1;--ground:#ffffff;" + series_css(false);
  const std::string dark = "--ink:#e8edf3;--soft:#9fabb9;--rule:#36404c;--ground:#12171e;" + series_css(true);
  return "<style>.cawe-chart{" + light +
         "}.cawe-chart text{font-family:system-ui,-apple-system,'Segoe "
         "UI',sans-serif;font-size:13px;fill:var(--ink)}"
         ".cawe-chart .soft{fill:var(--soft)}.cawe-chart .title{font-size:16px;font-weight:600}"
         ".cawe-chart .grid{stroke:var(--rule);stroke-width:1}"
         ".cawe-chart .line{fill:none;stroke-width:2.2;stroke-linejoin:round}"
         ".cawe-chart .band{opacity:.14}.cawe-chart .ground{fill:var(--ground)}"
         "@media (prefers-color-scheme:dark){.cawe-chart{" +
         dark + "}}</style>";
}

std::string colour(size_t k) { return "var(--s" + std::to_string(k % kSeries) + ")"; }

/// Opening tag, title and description. `id` keeps the ids of several charts in one page apart.
/// Opening tag, title and description. `id` keeps the ids of several charts in one page apart.
std::string open_svg(const ChartLabels& labels, const std::string& view_box, const std::string& id,
                     const char* css_class) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"" + std::string(css_class) + "\" viewBox=\"" +
         view_box + "\" role=\"img\" aria-labelledby=\"" + id + "t " + id + "d\"><title id=\"" + id + "t\">" +
         escape_markup(labels.title) + "</title><desc id=\"" + id + "d\">" +
         escape_markup(labels.description) + "</desc>";
}

/// The same as a picture of its own, with style, ground and heading.
std::string begin(const ChartLabels& labels, double width, double height) {
  const std::string id = "c" + std::to_string(std::hash<std::string>()(labels.title) % 1000000007) + "-";
  return open_svg(labels, "0 0 " + f(width, 0) + " " + f(height, 0), id, "cawe-chart") + style() +
         "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>" + "<text class=\"title\" x=\"" + f(kLeft) +
         "\" y=\"28\">" + escape_markup(labels.title) + "</text>";
}

std::string text_at(double x, double y, const std::string& text, const char* anchor, bool soft) {
  return "<text x=\"" + f(x) + "\" y=\"" + f(y) + "\" text-anchor=\"" + anchor + "\"" +
         (soft ? " class=\"soft\"" : "") + ">" + escape_markup(text) + "</text>";
}

std::string line_at(double x1, double y1, double x2, double y2) {
  return "<line class=\"grid\" x1=\"" + f(x1) + "\" y1=\"" + f(y1) + "\" x2=\"" + f(x2) + "\" y2=\"" + f(y2) +
         "\"/>";
}

double fp_x(double fp) { return kLeft + (kWidth - kLeft - kRight) * std::min(fp, kFpMax) / kFpMax; }
double sens_y(double s) { return kHeight - kBottom - (kHeight - kTop - kBottom) * s; }

std::string froc_axes() {
  std::string svg;
  for (int i = 0; i <= 5; ++i) {
    svg += line_at(kLeft, sens_y(0.2 * i), kWidth - kRight, sens_y(0.2 * i));
    svg += text_at(kLeft - 10, sens_y(0.2 * i) + 4.5, f(0.2 * i), "end", true);
  }
  for (int i = 0; i <= 8; ++i)
    svg += text_at(fp_x(i), kHeight - kBottom + 20, std::to_string(i), "middle", true);
  svg += "<text class=\"soft axis-x\" x=\"" + f(fp_x(4)) + "\" y=\"" + f(kHeight - 12) +
         "\" text-anchor=\"middle\">false positives per image</text>";
  return svg + "<text class=\"soft\" transform=\"translate(18," + f(sens_y(0.5)) +
         ") rotate(-90)\" text-anchor=\"middle\">sensitivity</text>";
}

std::string band_path(const FrocLine& line, size_t k) {
  if (line.band_x.empty()) return "";
  std::string path = "M";
  for (size_t i = 0; i < line.band_x.size(); ++i)
    path += f(fp_x(line.band_x[i])) + " " + f(sens_y(line.band_high[i])) + "L";
  for (size_t i = line.band_x.size(); i > 0; --i)
    path += f(fp_x(line.band_x[i - 1])) + " " + f(sens_y(line.band_low[i - 1])) + (i > 1 ? "L" : "Z");
  return "<path class=\"band\" fill=\"" + colour(k) + "\" d=\"" + path + "\"/>";
}

std::string step_path(const std::vector<std::pair<double, double>>& points, size_t k, const char* css_class) {
  std::string path = "M" + f(fp_x(0)) + " " + f(sens_y(0));
  for (const auto& [x, y] : points) {
    if (x > kFpMax) {
      path += "H" + f(fp_x(kFpMax));
      break;
    }
    path += "H" + f(fp_x(x)) + "V" + f(sens_y(y));
  }
  return "<path class=\"" + std::string(css_class) + "\" stroke=\"" + colour(k) + "\" d=\"" + path + "\"/>";
}

}  // namespace

std::string escape_markup(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '&')
      safe += "&amp;";
    else if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '"')
      safe += "&quot;";
    else if (c == '\'')
      safe += "&#39;";
    else
      safe += c;
  }
  return safe;
}

std::string series_css(bool dark) {
  std::string css;
  for (size_t k = 0; k < kSeries; ++k)
    css += "--s" + std::to_string(k) + ":" + (dark ? kDark[k] : kLight[k]) + ";";
  return css;
}

FrocLine froc_line(const std::string& name, const Evaluation& e) {
  FrocLine line{name, {}, e.band_x, e.band_low, e.band_high, {}};
  const std::vector<FrocPoint>& points = e.curve.points;
  // Many points share a height; only the corners of the steps are drawn.
  const auto add = [&](std::vector<std::pair<double, double>>* to, double FrocPoint::*x) {
    for (const FrocPoint& p : points)
      if (to->empty() || to->back().second != p.sensitivity) to->push_back({p.*x, p.sensitivity});
    if (!points.empty()) to->push_back({points.back().*x, points.back().sensitivity});
  };
  add(&line.points, &FrocPoint::fp_per_image);
  if (e.negatives > 0) add(&line.negative_points, &FrocPoint::fp_per_negative);
  return line;
}

std::string froc_svg(const ChartLabels& labels, const std::vector<FrocLine>& lines, bool bands) {
  const double height = kHeight + 22 * double(lines.size());
  std::string svg = begin(labels, kWidth, height) + froc_axes();
  for (size_t k = 0; bands && k < lines.size(); ++k) svg += band_path(lines[k], k);
  for (size_t k = 0; k < lines.size(); ++k) svg += step_path(lines[k].points, k, "line");
  for (size_t k = 0; k < lines.size(); ++k) {
    const double y = kHeight + 8 + 22 * double(k);
    svg += "<rect x=\"" + f(kLeft) + "\" y=\"" + f(y - 4) + "\" width=\"22\" height=\"4\" rx=\"2\" fill=\"" +
           colour(k) + "\"/>" + text_at(kLeft + 32, y + 3, lines[k].name, "start", false);
  }
  return svg + "</svg>\n";
}

std::string froc_svg_inline(const ChartLabels& labels, const std::vector<FrocLine>& lines,
                            const std::string& id, const std::vector<size_t>& rows,
                            const std::vector<size_t>& colours) {
  std::string svg = open_svg(labels, "0 40 720 380", id, "froc") + froc_axes();
  for (size_t k = 0; k < lines.size(); ++k)
    svg += std::string(k == 0 ? "<g class=\"series lit\"" : "<g class=\"series\"") + " data-row=\"" +
           std::to_string(rows.at(k)) + "\">" + band_path(lines[k], colours.at(k)) +
           step_path(lines[k].points, colours[k], "line") +
           (lines[k].negative_points.empty() ? ""
                                             : step_path(lines[k].negative_points, colours[k], "line neg")) +
           "</g>";
  return svg + "<g class=\"probe\"></g></svg>\n";
}

std::string bar_svg(const ChartLabels& labels, const std::vector<Bar>& bars, double maximum) {
  constexpr double kName = 200, kStep = 34;
  const double height = kTop + kStep * double(bars.size()) + 16;
  const double span = kWidth - kName - 90;
  const auto x_of = [&](double v) { return kName + span * std::clamp(v / maximum, 0.0, 1.0); };
  std::string svg = begin(labels, kWidth, height);
  for (size_t k = 0; k < bars.size(); ++k) {
    const Interval& v = bars[k].value;
    const double y = kTop + kStep * double(k);
    svg += text_at(kName - 12, y + 16, bars[k].name, "end", false);
    if (std::isnan(v.value)) {
      svg += text_at(kName, y + 16, "n/a", "start", true);
      continue;
    }
    svg += "<rect x=\"" + f(kName) + "\" y=\"" + f(y + 3) + "\" width=\"" + f(x_of(v.value) - kName) +
           "\" height=\"18\" rx=\"3\" fill=\"" + colour(k) + "\"/>";
    if (!std::isnan(v.low))
      svg += "<path d=\"M" + f(x_of(v.low)) + " " + f(y + 12) + "H" + f(x_of(v.high)) + "M" + f(x_of(v.low)) +
             " " + f(y + 7) + "v10M" + f(x_of(v.high)) + " " + f(y + 7) +
             "v10\" stroke=\"var(--ink)\" fill=\"none\"/>";
    svg += text_at(std::max(x_of(v.value), std::isnan(v.high) ? 0 : x_of(v.high)) + 8, y + 16, f(v.value, 2),
                   "start", false);
  }
  return svg + "</svg>\n";
}

std::string scatter_svg(const ChartLabels& labels, const std::vector<ScatterGroup>& groups) {
  constexpr double kSide = 560;
  double low_x = 1e300, high_x = -1e300, low_y = 1e300, high_y = -1e300;
  for (const ScatterGroup& g : groups)
    for (const auto& [x, y] : g.points) {
      low_x = std::min(low_x, x);
      high_x = std::max(high_x, x);
      low_y = std::min(low_y, y);
      high_y = std::max(high_y, y);
    }
  // One scale for both axes, the cloud in the middle.
  const double scale = (kSide - 40) / std::max({high_x - low_x, high_y - low_y, 1e-12});
  const double middle_x = kLeft + kSide / 2 - scale * (low_x + high_x) / 2;
  const double middle_y = kTop + kSide / 2 + scale * (low_y + high_y) / 2;
  std::string svg = begin(labels, 860, kTop + kSide + 16);
  svg += "<rect x=\"" + f(kLeft) + "\" y=\"" + f(kTop) + "\" width=\"" + f(kSide) + "\" height=\"" +
         f(kSide) + "\" fill=\"none\" class=\"grid\"/>";
  // The groups' marks differ in shape as well as in colour.
  const char* const marks[] = {"M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z", "M-3.6 -3.6h7.2v7.2h-7.2Z",
                               "M0 -5L4.6 3.4H-4.6Z", "M0 -5L5 0L0 5L-5 0Z"};
  for (size_t k = 0; k < groups.size(); ++k) {
    const std::string fill = groups[k].colour.empty() ? colour(k) : escape_markup(groups[k].colour);
    const std::string open = "<path d=\"" + std::string(marks[k % 4]) + "\" fill=\"" + fill +
                             "\" fill-opacity=\".8\" transform=\"translate(";
    for (const auto& [x, y] : groups[k].points)
      svg += open + f(middle_x + x * scale) + "," + f(middle_y - y * scale) + ")\"/>";
    const double y = kTop + 16 + 24 * double(k);
    svg += open + f(kLeft + kSide + 16) + "," + f(y - 4) + ")\"/>" +
           text_at(kLeft + kSide + 26, y, groups[k].name, "start", false);
  }
  return svg + "</svg>\n";
}

}  // namespace cawe::eval
