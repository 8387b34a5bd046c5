// SPDX-License-Identifier: Apache-2.0
// FROC curves of all rows as one drawing.
#include "report/figures/froc.h"

#include <algorithm>
#include <cmath>

#include "report/charts/svg.h"
#include "report/figures/draw.h"
#include "report/page/parts.h"
#include "tensor/io/format.h"

namespace cawe::report {
namespace {

using page::detector_label;
using page::method_label;

constexpr double kPanel = 500, kGap = 40, kHeight = 400;

/// The sensitivity of a drawn step line at fp false positives per image.
double step_value(const FrocLine& line, double fp) {
  double best = 0;
  for (const auto& [x, y] : line.points)
    if (x <= fp) best = std::max(best, y);
  return best;
}

/// Intervals at 1 … 4, drawn side by side so that methods do not hide each other.
std::string whiskers(const svg::FrocScale& scale, const ReportRow& row, size_t colour, double shift) {
  std::string out;
  for (size_t k = 0; k < 4; ++k) {
    const eval::Interval& i = row.sens[k];
    if (std::isnan(i.low) || std::isnan(i.value)) continue;
    const std::string x = svg::number(scale.x(eval::paper_fps()[k]) + shift);
    out += "<path d=\"M" + x + " " + svg::number(scale.y(i.low)) + "V" + svg::number(scale.y(i.high)) +
           "\" stroke=\"" + svg::colour(colour) + "\" stroke-width=\"1.4\"/><circle cx=\"" + x + "\" cy=\"" +
           svg::number(scale.y(i.value)) + "\" r=\"2.4\" fill=\"" + svg::colour(colour) + "\"/>";
  }
  return out;
}

std::string key(double x, double y, const ReportRow& row, size_t colour) {
  return "<path class=\"line" + std::string(row.control ? " control" : "") + "\" stroke=\"" +
         svg::colour(colour) + "\" d=\"M" + svg::number(x) + " " + svg::number(y - 4.5) + "h26\"/>" +
         svg::text_at(x + 34, y,
                      method_label(row.enhancement) + (row.control ? " (" + page::row_kind(row) + ")" : ""));
}

std::string row_csv(const ReportRow& row) {
  const std::string detector = detector_label(row.detector), method = method_label(row.enhancement);
  std::string csv;
  for (const auto& [x, y] : row.line.points)
    csv += csv_line({detector, method, "curve", csv_number(x), csv_number(y), "", ""});
  for (size_t k = 0; k < row.line.band_x.size(); ++k)
    csv += csv_line({detector, method, "interval", csv_number(row.line.band_x[k]),
                     csv_number(step_value(row.line, row.line.band_x[k])), csv_number(row.line.band_low[k]),
                     csv_number(row.line.band_high[k])});
  return csv;
}

}  // namespace

Figure figure_froc(const std::vector<ReportRow>& rows) {
  const std::vector<size_t> order = page::report_order(rows);
  const std::vector<size_t> colours = page::row_colours(rows);
  std::vector<std::string> detectors;
  for (const size_t i : order)
    if (std::find(detectors.begin(), detectors.end(), rows[i].detector) == detectors.end())
      detectors.push_back(rows[i].detector);
  Figure figure;
  figure.name = "figure4";
  figure.title = "Figure 4: FROC of all rows";
  figure.caption =
      "Sensitivity over false positives per image, one panel a detector; curves of the first seed. Dots and "
      "whiskers are the means over seeds with their intervals over " +
      data::unit_words(rows.empty() ? data::FilmUnit::patient : rows[0].unit) +
      " at 1, 2, 3 and 4 false positives, "
      "set a little apart; dashed lines are controls. The CSV file has each curve and its whole interval.";
  figure.csv = csv_line({"detector", "enhancement", "part", "fp_per_image", "sensitivity", "low", "high"});
  std::string parts;
  size_t most = 0;
  for (size_t d = 0; d < detectors.size(); ++d) {
    const double left = (kPanel + kGap) * double(d);
    const svg::FrocScale scale{left + 62, left + kPanel - 4, 40, 340};
    parts +=
        svg::text_at(scale.left, 22, detector_label(detectors[d]), "start", "strong") + svg::froc_axes(scale);
    std::vector<size_t> mine;
    for (const size_t i : order)
      if (rows[i].detector == detectors[d] && !rows[i].line.points.empty()) mine.push_back(i);
    for (const size_t i : mine)
      parts +=
          svg::step_path(scale, rows[i].line.points, colours[i], rows[i].control ? "line control" : "line");
    for (size_t k = 0; k < mine.size(); ++k) {
      if (!rows[mine[k]].control)
        parts += whiskers(scale, rows[mine[k]], colours[mine[k]], 6.0 * double(k) - 15);
      parts += key(scale.left + (k % 2 == 0 ? 0 : 220), kHeight + 12 + 24 * double(k / 2), rows[mine[k]],
                   colours[mine[k]]);
      figure.csv += row_csv(rows[mine[k]]);
    }
    most = std::max(most, (mine.size() + 1) / 2);
  }
  const double width = (kPanel + kGap) * double(std::max<size_t>(detectors.size(), 1)) - kGap + 8;
  figure.svg =
      svg::begin({figure.title, figure.caption}, width, kHeight + 8 + 24 * double(most)) + parts + "</svg>\n";
  return figure;
}

}  // namespace cawe::report
