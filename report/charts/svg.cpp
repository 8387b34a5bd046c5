// SPDX-License-Identifier: Apache-2.0
// Pieces of SVG.
#include "report/charts/svg.h"

#include <algorithm>

#include "tensor/io/format.h"

namespace cawe::report {
namespace {

// Distinct in hue and in lightness, readable on both backgrounds; the second list is for dark ones.
const char* const kLight[] = {"#1f5fa8", "#c2570c", "#0f7a68", "#8a3fb0", "#b3263e", "#6b6a00",
                              "#3a3f46", "#a0266f", "#1f7893", "#7a5230", "#4f7520", "#5552c4"};
const char* const kDark[] = {"#7db4f0", "#f0a060", "#5fd0b8", "#cf9bf0", "#f58a9b", "#cfc94f",
                             "#d3d8de", "#f08fc8", "#7fd0ea", "#d9b08c", "#a9d06a", "#b0b0ff"};
constexpr size_t kSeries = sizeof kLight / sizeof *kLight;
constexpr double kFpMax = 8;

/// Restricted to the chart's class, since a page may contain several charts.
std::string style() {
  const std::string light =
      "--ink:#1c2430;--soft:#5a6675;--rule:#d5dae1;--ground:#ffffff;--faint:#eef1f4;--truth:#2f6fd0;"
      "--found:#c2570c;" +
      series_css(false);
  const std::string dark =
      "--ink:#e8edf3;--soft:#9fabb9;--rule:#36404c;--ground:#12171e;--faint:#1d252f;--truth:#6ea8ff;"
      "--found:#f0a060;" +
      series_css(true);
  return "<style>.cawe-chart{" + light +
         "}.cawe-chart text{font-family:system-ui,-apple-system,'Segoe UI','Noto Sans','DejaVu Sans',"
         "sans-serif;font-size:13px;fill:var(--ink)}"
         ".cawe-chart .soft{fill:var(--soft)}.cawe-chart .small{font-size:12px;fill:var(--soft)}"
         ".cawe-chart .strong{font-weight:600}"
         ".cawe-chart .grid{stroke:var(--rule);stroke-width:1}"
         ".cawe-chart .line{fill:none;stroke-width:2.2;stroke-linejoin:round}"
         ".cawe-chart .control{stroke-dasharray:5 4;stroke-width:1.6}"
         ".cawe-chart .band{opacity:.14}.cawe-chart .ground{fill:var(--ground)}"
         "@media (prefers-color-scheme:dark){.cawe-chart{" +
         dark + "}}</style>";
}

}  // namespace

size_t series_count() { return kSeries; }

std::string series_css(bool dark) {
  std::string css;
  for (size_t k = 0; k < kSeries; ++k)
    css += "--s" + std::to_string(k) + ":" + (dark ? kDark[k] : kLight[k]) + ";";
  return css;
}

namespace svg {

std::string number(double v, int digits) { return fixed(v, digits); }

std::string colour(size_t k) { return "var(--s" + std::to_string(k % kSeries) + ")"; }

std::string open(const ChartLabels& labels, const std::string& view_box, const std::string& id,
                 const char* css_class) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"" + std::string(css_class) + "\" viewBox=\"" +
         view_box + "\" role=\"img\" aria-labelledby=\"" + id + "t " + id + "d\"><title id=\"" + id + "t\">" +
         escape_markup(labels.title) + "</title><desc id=\"" + id + "d\">" +
         escape_markup(labels.description) + "</desc>";
}

std::string begin(const ChartLabels& labels, double width, double height) {
  const std::string id = "c" + std::to_string(std::hash<std::string>()(labels.title) % 1000000007) + "-";
  return open(labels, "0 0 " + number(width, 0) + " " + number(height, 0), id, "cawe-chart") + style() +
         "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>";
}

std::string text_at(double x, double y, const std::string& text, const char* anchor, const char* css_class) {
  const std::string name = css_class;
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\"" +
         (name.empty() ? "" : " class=\"" + name + "\"") + ">" + escape_markup(text) + "</text>";
}

std::string line_at(double x1, double y1, double x2, double y2) {
  return "<line class=\"grid\" x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) +
         "\" y2=\"" + number(y2) + "\"/>";
}

double FrocScale::x(double fp) const { return left + (right - left) * std::min(fp, kFpMax) / kFpMax; }
double FrocScale::y(double sensitivity) const { return bottom - (bottom - top) * sensitivity; }

std::string froc_axes(const FrocScale& s) {
  std::string out;
  for (int i = 0; i <= 5; ++i) {
    out += line_at(s.left, s.y(0.2 * i), s.right, s.y(0.2 * i));
    out += text_at(s.left - 10, s.y(0.2 * i) + 4.5, number(0.2 * i), "end", "soft");
  }
  for (int i = 0; i <= int(kFpMax); ++i)
    out += text_at(s.x(i), s.bottom + 20, std::to_string(i), "middle", "soft");
  out += text_at(s.x(kFpMax / 2), s.bottom + 44, "false positives per image", "middle", "soft axis-x");
  return out + "<text class=\"soft\" transform=\"translate(" + number(s.left - 44) + "," + number(s.y(0.5)) +
         ") rotate(-90)\" text-anchor=\"middle\">sensitivity</text>";
}

std::string band_path(const FrocScale& s, const FrocLine& line, size_t k) {
  if (line.band_x.empty()) return "";
  std::string path = "M";
  for (size_t i = 0; i < line.band_x.size(); ++i)
    path += number(s.x(line.band_x[i])) + " " + number(s.y(line.band_high[i])) + "L";
  for (size_t i = line.band_x.size(); i > 0; --i)
    path += number(s.x(line.band_x[i - 1])) + " " + number(s.y(line.band_low[i - 1])) + (i > 1 ? "L" : "Z");
  return "<path class=\"band\" fill=\"" + colour(k) + "\" d=\"" + path + "\"/>";
}

std::string step_path(const FrocScale& s, const std::vector<std::pair<double, double>>& points, size_t k,
                      const std::string& css_class) {
  std::string path = "M" + number(s.x(0)) + " " + number(s.y(0));
  for (const auto& [x, y] : points) {
    if (x > kFpMax) {
      path += "H" + number(s.x(kFpMax));
      break;
    }
    path += "H" + number(s.x(x)) + "V" + number(s.y(y));
  }
  return "<path class=\"" + css_class + "\" stroke=\"" + colour(k) + "\" d=\"" + path + "\"/>";
}

}  // namespace svg
}  // namespace cawe::report
