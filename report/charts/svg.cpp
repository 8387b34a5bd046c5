// SPDX-License-Identifier: Apache-2.0
// Pieces of SVG.
#include "report/charts/svg.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tensor/io/format.h"

namespace cawe::report {
namespace {

// Distinct in hue and in lightness, readable on both backgrounds; the second list is for dark ones.
const char* const kLight[] = {"#1f5fa8", "#c2570c", "#0f7a68", "#8a3fb0", "#b3263e", "#6b6a00",
                              "#3a3f46", "#a0266f", "#1f7893", "#7a5230", "#4f7520", "#5552c4"};
const char* const kDark[] = {"#7db4f0", "#f0a060", "#5fd0b8", "#cf9bf0", "#f58a9b", "#cfc94f",
                             "#d3d8de", "#f08fc8", "#7fd0ea", "#d9b08c", "#a9d06a", "#b0b0ff"};
constexpr size_t kSeries = sizeof kLight / sizeof *kLight;
constexpr double kFpMax = 8, kFpMin = 1.0 / 16;  // kFpMin: where the logarithmic axis begins

// What goes with each colour, so that series are told apart in black and white: dashes ("": none), and marks about the
// origin. The paper's rows have the first five colours and the seventh.
const char* const kDashes[kSeries] = {"9 4", "2 3", "10 3 2 3", "5 3", "14 3 3 3 3 3", "12 7",
                                      "",    "1 5", "6 2 1 2",  "3 6", "16 4",         "7 2 2 2 2 2"};
const char* const kMarks[kSeries] = {
    "M-4 -4H4V4H-4Z",                                        // square
    "M0 -5.2L4.8 3.4H-4.8Z",                                 // triangle
    "M0 -5.6L5.6 0L0 5.6L-5.6 0Z",                           // diamond
    "M0 5.2L4.8 -3.4H-4.8Z",                                 // triangle, on its tip
    "M-1.7 -5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5V-1.7H-1.7Z",  // plus
    "M-4.8 -2.4L-2.4 -4.8L0 -2.4L2.4 -4.8L4.8 -2.4L2.4 0L4.8 2.4L2.4 4.8L0 2.4L-2.4 4.8L-4.8 2.4L-2.4 "
    "0Z",                                                 // cross
    "M-4.4 0a4.4 4.4 0 1 0 8.8 0a4.4 4.4 0 1 0 -8.8 0Z",  // disc
    "M-3.4 4.8V-4.8L5.2 0Z",                              // triangle to the right
    "M3.4 4.8V-4.8L-5.2 0Z",                              // triangle to the left
    "M0 -5.2L5 -1.6L3.1 4.2H-3.1L-5 -1.6Z",               // pentagon
    "M0 -5.6L1.5 -1.8L5.6 -1.8L2.4 .8L3.5 4.8L0 2.5L-3.5 4.8L-2.4 .8L-5.6 -1.8L-1.5 -1.8Z",  // star
    "M-5.4 -2.4H5.4V2.4H-5.4Z"};                                                             // bar

// A series behind the last colour has the colour of an earlier one. Its dashes and its mark are then not those of that colour:
// they are shifted, by different numbers, so that no two of kSeries * kSeries series share both.
const char* dashes_of(size_t k) { return kDashes[(k + k / kSeries) % kSeries]; }
const char* mark_of(size_t k) { return kMarks[(k + 2 * (k / kSeries)) % kSeries]; }

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
         ".cawe-chart .control{stroke-width:1.4}"
         ".cawe-chart .mark{stroke-width:1.3}"
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

std::string lettered(double x, double y, const std::string& letter, const std::string& text) {
  return text_at(x, y, letter, "start", "strong") + text_at(x + 16, y, text, "start", "strong");
}

std::string two_digits(double v) {
  if (v == 0 || !std::isfinite(v)) return fixed(v, 0);
  const std::string text = printf_text("%.1e", v);  // "-1.2e-07"
  const size_t at = text.find('e');
  const int power = std::atoi(text.c_str() + at + 1);
  if (power >= -4 && power <= 3) return fixed(v, std::max(0, 1 - power));
  static const char* const raised[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string out = text.substr(0, at) + "·10" + (power < 0 ? "⁻" : "");
  for (const char digit : std::to_string(std::abs(power))) out += raised[digit - '0'];
  return out;
}

std::string line_at(double x1, double y1, double x2, double y2) {
  return "<line class=\"grid\" x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) +
         "\" y2=\"" + number(y2) + "\"/>";
}

double FrocScale::x(double fp) const {
  fp = std::min(fp, kFpMax);
  if (!log) return left + (right - left) * fp / kFpMax;
  return left + (right - left) * std::log2(std::max(fp, kFpMin) / kFpMin) / std::log2(kFpMax / kFpMin);
}
double FrocScale::fp(double at) const {
  const double share = (at - left) / (right - left);
  return log ? kFpMin * std::exp2(share * std::log2(kFpMax / kFpMin)) : kFpMax * share;
}
double FrocScale::y(double sensitivity) const { return bottom - (bottom - top) * sensitivity; }

std::string froc_axes(const FrocScale& s) {
  std::string out;
  for (int i = 0; i <= 5; ++i) {
    out += line_at(s.left, s.y(0.2 * i), s.right, s.y(0.2 * i));
    out += text_at(s.left - 10, s.y(0.2 * i) + 4.5, number(0.2 * i), "end", "soft");
  }
  struct Tick {
    double fp;
    const char* name;
  };
  const std::vector<Tick> even = {{0, "0"}, {1, "1"}, {2, "2"}, {3, "3"}, {4, "4"},
                                  {5, "5"}, {6, "6"}, {7, "7"}, {8, "8"}},
                          octaves = {{1.0 / 16, "≤ 1/16"},
                                     {1.0 / 8, "1/8"},
                                     {1.0 / 4, "1/4"},
                                     {1.0 / 2, "1/2"},
                                     {1, "1"},
                                     {2, "2"},
                                     {4, "4"},
                                     {8, "8"}};
  for (const Tick& tick : s.log ? octaves : even)
    out += text_at(s.x(tick.fp), s.bottom + 20, tick.name, "middle", "soft");
  out += text_at((s.left + s.right) / 2, s.bottom + 44, "false positives per image", "middle", "soft axis-x");
  return out + "<text class=\"soft axis-y\" transform=\"translate(" + number(s.left - 44) + "," +
         number(s.y(0.5)) + ") rotate(-90)\" text-anchor=\"middle\">sensitivity</text>";
}

std::string band_path(const FrocScale& s, const FrocLine& line, size_t k) {
  if (line.band_x.empty()) return "";
  std::string path = "M";
  size_t first = 0;  // by octaves, what lies below the axis is left out
  while (s.log && first + 1 < line.band_x.size() && line.band_x[first] < kFpMin) ++first;
  for (size_t i = first; i < line.band_x.size(); ++i)
    path += number(s.x(line.band_x[i])) + " " + number(s.y(line.band_high[i])) + "L";
  for (size_t i = line.band_x.size(); i > first; --i)
    path += number(s.x(line.band_x[i - 1])) + " " + number(s.y(line.band_low[i - 1])) +
            (i > first + 1 ? "L" : "Z");
  return "<path class=\"band\" fill=\"" + colour(k) + "\" d=\"" + path + "\"/>";
}

std::string curve_path(const FrocScale& s, const std::vector<CurvePoint>& points, bool straight, size_t k,
                       const std::string& css_class) {
  const double first = s.log ? kFpMin : 0;
  std::string path = "M" + number(s.left) + " " + number(s.y(curve_value(points, straight, first)));
  for (const CurvePoint& p : points) {
    if (s.log && p.x <= first) continue;
    if (p.x > kFpMax) {
      const std::string end = number(s.x(kFpMax));
      path += straight ? "L" + end + " " + number(s.y(curve_value(points, true, kFpMax))) : "H" + end;
      break;
    }
    path += straight ? "L" + number(s.x(p.x)) + " " + number(s.y(p.sensitivity))
                     : "H" + number(s.x(p.x)) + "V" + number(s.y(p.sensitivity));
  }
  const std::string dashes = dashes_of(k);
  return "<path class=\"" + css_class + "\" stroke=\"" + colour(k) + "\"" +
         (dashes.empty() ? "" : " stroke-dasharray=\"" + dashes + "\"") + " d=\"" + path + "\"/>";
}

std::string mark_at(double x, double y, size_t k, bool hollow, const std::string& css_class) {
  const std::string paint = colour(k), ground = "var(--ground)";
  return "<path class=\"" + css_class + "\" fill=\"" + (hollow ? ground : paint) + "\" stroke=\"" +
         (hollow ? paint : ground) + "\" transform=\"translate(" + number(x) + "," + number(y) + ")\" d=\"" +
         mark_of(k) + "\"/>";
}

std::string curve_marks(const FrocScale& s, const std::vector<CurvePoint>& points, bool straight,
                        const Marks& marks) {
  constexpr int kTimes = 4;
  std::string out;
  if (points.empty()) return out;
  for (int i = 0; i < kTimes; ++i) {
    const double share = (double(i) + (double(marks.k) + 0.5) / double(marks.n)) / kTimes;
    const double at = s.left + (s.right - s.left) * share, fp = s.fp(at);
    if (fp > points.back().x) break;
    out += mark_at(at, s.y(curve_value(points, straight, fp)), marks.colour, marks.hollow, marks.css_class);
  }
  return out;
}

std::string sample_at(double x, double y, size_t k, bool control) {
  const std::string dashes = dashes_of(k);
  return "<path class=\"line" + std::string(control ? " control" : "") + "\" stroke=\"" + colour(k) + "\"" +
         (dashes.empty() ? "" : " stroke-dasharray=\"" + dashes + "\"") + " d=\"M" + number(x) + " " +
         number(y) + "h38\"/>" + mark_at(x + 19, y, k, control, "mark");
}

}  // namespace svg
}  // namespace cawe::report
