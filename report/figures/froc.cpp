// SPDX-License-Identifier: Apache-2.0
// FROC curves of all rows as one drawing.
#include "report/figures/froc.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "report/charts/svg.h"
#include "report/figures/draw.h"
#include "report/page/parts.h"
#include "tensor/io/format.h"

namespace cawe::report {
namespace {

using page::detector_label;
using page::method_label;

constexpr double kPanel = 500, kGap = 40, kMargin = 8, kHeight = 400, kLeft = 62;
constexpr double kKeyRow = 24, kKeyName = 48;  // of the key: from row to row, and from a sample to its name

/// Sens@1 … 4 as dots on the curve.
std::string dots(const svg::FrocScale& scale, const ReportRow& row, size_t colour) {
  std::string out;
  for (size_t k = 0; k < 4; ++k)
    if (!std::isnan(row.sens[k].value))
      out += "<circle class=\"sens\" cx=\"" + svg::number(scale.x(eval::paper_fps()[k]), 2) + "\" cy=\"" +
             svg::number(scale.y(row.sens[k].value), 2) + "\" r=\"2.6\" fill=\"" + svg::colour(colour) +
             "\" stroke=\"var(--ground)\" stroke-width=\".8\"/>";
  return out;
}

/// Their intervals with a tick at the mean and a small dot for each seed, side by side so that methods do not hide each
/// other.
std::string whiskers(const svg::FrocScale& scale, const ReportRow& row, size_t colour, double shift) {
  std::string out;
  for (size_t k = 0; k < 4; ++k) {
    const eval::Interval& i = row.sens[k];
    if (std::isnan(i.low) || std::isnan(i.value)) continue;
    const double at = scale.x(eval::paper_fps()[k]) + shift;
    const std::string x = svg::number(at), paint = svg::colour(colour);
    out += "<path class=\"whisker\" d=\"M" + x + " " + svg::number(scale.y(i.low)) + "V" +
           svg::number(scale.y(i.high)) + "M" + svg::number(at - 2.5) + " " + svg::number(scale.y(i.value)) +
           "h5\" stroke=\"" + paint + "\" stroke-width=\"1.2\"/>";
    if (row.seed_sens.size() < 2) continue;
    for (const std::array<double, 4>& seed : row.seed_sens)
      out += "<circle class=\"seed\" cx=\"" + x + "\" cy=\"" + svg::number(scale.y(seed[k])) +
             "\" r=\"1.5\" fill=\"" + paint + "\"/>";
  }
  return out;
}

std::string row_csv(const ReportRow& row) {
  const std::string detector = detector_label(row.detector), method = method_label(row.enhancement);
  std::string csv;
  const auto add = [&](const char* part, double x, double y, const std::string& low, const std::string& high,
                       const std::string& seed) {
    csv += csv_line({detector, method, part, csv_number(x), csv_number(y), low, high, seed});
  };
  for (const CurvePoint& p : row.line.points) add("curve", p.x, p.sensitivity, "", "", "");
  for (size_t k = 0; k < row.line.band_x.size(); ++k) {
    const double x = row.line.band_x[k];
    add("interval", x, curve_value(row.line.points, row.line.straight, x), csv_number(row.line.band_low[k]),
        csv_number(row.line.band_high[k]), "");
  }
  for (size_t k = 0; k < 4; ++k) {
    const eval::Interval& i = row.sens[k];
    add("sens", eval::paper_fps()[k], i.value, csv_number(i.low), csv_number(i.high), "");
    for (size_t s = 0; s < row.seed_sens.size(); ++s)
      add("seed", eval::paper_fps()[k], row.seed_sens[s][k], "", "", std::to_string(s + 1));
  }
  return csv;
}

std::string key_name(const ReportRow& row) {
  return method_label(row.enhancement) + (row.control ? " (" + page::row_kind(row) + ")" : "");
}

/// What a text of the drawing is wide at most: which font it gets is the reader's, and that of a file is seen nowhere
/// before. By letters of DejaVu Sans, the widest of those that are asked for.
double text_width(const std::string& text) {
  constexpr double kFont = 13;
  double em = 0;
  for (const char c : text) {
    if ((uint8_t(c) & 0xC0) == 0x80) continue;  // the rest of a letter of several bytes
    const auto one_of = [c](const char* letters) { return std::strchr(letters, c) != nullptr; };
    em += one_of(" ijl.,:;'|")                        ? .34
          : one_of("frt()[]/-")                       ? .42
          : one_of("mwMW@%+=<>~") || uint8_t(c) > 127 ? 1
          : c >= 'A' && c <= 'Z'                      ? .8
                                                      : .64;
  }
  return kFont * em;
}

/// Where the key's names stand: in two columns where all names are short enough, else in one, for which panels are wider
/// where a name is longer than they are.
struct Key {
  size_t columns = 1;
  double column = 0, panel = kPanel;
};
Key key_of(const std::vector<ReportRow>& rows) {
  double widest = 0;
  for (const ReportRow& row : rows)
    if (!row.line.points.empty()) widest = std::max(widest, text_width(key_name(row)));
  Key key;
  key.column = std::max(220.0, kKeyName + widest + 10);
  if (kLeft + key.column + kKeyName + widest <= kPanel + kMargin) key.columns = 2;
  key.panel = std::max(kPanel, kLeft + kKeyName + widest);
  return key;
}

/// The k-th of the key's names, with a sample of its curve.
std::string key_entry(const Key& key, double left, size_t k, const ReportRow& row, size_t colour) {
  const double x = left + key.column * double(k % key.columns);
  const double y = kHeight + 12 + kKeyRow * double(k / key.columns);
  return svg::sample_at(x, y - 4.5, colour, row.control) + svg::text_at(x + kKeyName, y, key_name(row));
}

/// All panels with one kind of axis.
std::string drawing(const ChartLabels& labels, const std::vector<ReportRow>& rows,
                    const std::vector<std::string>& detectors, bool log) {
  const std::vector<size_t> order = page::report_order(rows), colours = page::row_colours(rows);
  const Key key = key_of(rows);
  std::string parts;
  size_t most = 0;
  for (size_t d = 0; d < detectors.size(); ++d) {
    const double left = (key.panel + kGap) * double(d);
    const svg::FrocScale scale{left + kLeft, left + kPanel - 4, 40, 340, log};
    parts += svg::lettered(scale.left, 22, std::string(1, char('a' + d)), detector_label(detectors[d])) +
             svg::froc_axes(scale);
    std::vector<size_t> mine;
    for (const size_t i : order)
      if (rows[i].detector == detectors[d] && !rows[i].line.points.empty()) mine.push_back(i);
    for (size_t k = 0; k < mine.size(); ++k) {
      const ReportRow& row = rows[mine[k]];
      const size_t colour = colours[mine[k]];
      parts += svg::curve_path(scale, row.line.points, row.line.straight, colour,
                               row.control ? "line control" : "line") +
               svg::curve_marks(scale, row.line.points, row.line.straight,
                                {k, mine.size(), colour, row.control, "mark"});
    }
    const auto rivals = std::count_if(mine.begin(), mine.end(), [&](size_t i) { return !rows[i].control; });
    for (size_t k = 0; k < mine.size(); ++k) {
      const ReportRow& row = rows[mine[k]];
      const size_t colour = colours[mine[k]];
      if (!row.control)
        parts += whiskers(scale, row, colour, (log ? 4 : 6) * (double(k) - 0.5 * double(rivals - 1))) +
                 dots(scale, row, colour);
      parts += key_entry(key, scale.left, k, row, colour);
    }
    most = std::max(most, (mine.size() + key.columns - 1) / key.columns);
  }
  const double width = (key.panel + kGap) * double(std::max<size_t>(detectors.size(), 1)) - kGap + kMargin;
  return svg::begin(labels, width, kHeight + 8 + kKeyRow * double(most)) + parts + "</svg>\n";
}

}  // namespace

Figure figure_froc(const std::vector<ReportRow>& rows) {
  std::vector<std::string> detectors;
  bool several = false, controls = false;
  Figure figure;
  figure.csv =
      csv_line({"detector", "enhancement", "part", "fp_per_image", "sensitivity", "low", "high", "seed"});
  for (const size_t i : page::report_order(rows)) {
    const ReportRow& row = rows[i];
    if (std::find(detectors.begin(), detectors.end(), row.detector) == detectors.end())
      detectors.push_back(row.detector);
    if (!row.line.points.empty()) figure.csv += row_csv(row);
    several = several || row.seed_sens.size() > 1;
    controls = controls || (row.control && !row.line.points.empty());
  }
  figure.name = "figure4";
  figure.title = "Figure 4: FROC of all rows";
  const data::FilmUnit unit = rows.empty() ? data::FilmUnit::patient : rows[0].unit;
  figure.caption =
      std::string("Sensitivity over false positives per image, one panel a detector") +
      (several ? "; each curve is the mean of its seeds at every number of false positives" : "") +
      ". Dots on the curves are Sens@1, 2, 3 and 4; whiskers beside them, set a little apart, their "
      "intervals " +
      (several ? "over seeds and " + data::unit_words(unit) : data::over_units(unit)) +
      (several ? ", with a small dot for each seed" : "") + "; other marks only tell the curves apart. " +
      (controls ? "Thin curves with hollow marks are controls. " : "") +
      "The CSV file has each curve and its whole interval; figure4-log has the false positives by octaves.";
  figure.svg = drawing({figure.title, figure.caption}, rows, detectors, false);
  figure.other_name = "figure4-log";
  figure.other_svg =
      drawing({figure.title + ", false positives by octaves", figure.caption}, rows, detectors, true);
  return figure;
}

}  // namespace cawe::report
