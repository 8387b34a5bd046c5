// SPDX-License-Identifier: Apache-2.0
// The report's FROC curves: a chart for each detector, whose legend also shows the values under the pointer.
#include <algorithm>

#include "report/charts/svg.h"
#include "report/page/parts.h"
#include "tensor/io/format.h"

namespace cawe::report::page {
namespace {

/// Choice of the images on which false positives are counted, where there are two kinds, and of what is drawn.
std::string bar(const Report& report) {
  const bool negatives = std::any_of(report.rows.begin(), report.rows.end(),
                                     [](const ReportRow& r) { return !r.line.negative_points.empty(); });
  return "<div class=\"bar\"><div class=\"segment\" role=\"group\" "
         "aria-label=\"false positives counted on\"><button type=\"button\" data-denominator=\"images\" "
         "aria-pressed=\"true\">False positives on all images</button><button type=\"button\" "
         "data-denominator=\"negatives\" aria-pressed=\"false\"" +
         std::string(negatives ? ">On lesion-free images only" : " disabled>No lesion-free images here") +
         "</button></div>"
         "<label class=\"check\"><input type=\"checkbox\" id=\"log-axis\"> Logarithmic axis</label>"
         "<label class=\"check\"><input type=\"checkbox\" id=\"bands\"> Show every interval</label></div>"
         "<div class=\"charts\" id=\"charts\">";
}

/// What the curves are, and how to use them.
std::string lead(const Report& report) {
  const auto any = [&](auto holds) { return std::any_of(report.rows.begin(), report.rows.end(), holds); };
  const bool several = any([](const ReportRow& r) { return r.seed_sens.size() > 1; });
  const bool controls = any([](const ReportRow& r) { return r.control && !r.line.points.empty(); });
  return "<section id=\"curves\"><h2>FROC curves</h2><p class=\"lead\">Sensitivity against false positives "
         "per "
         "image as the score threshold falls. " +
         std::string(
             several ? "Each curve is the mean of its row's seeds at every number of false positives; its "
                       "interval takes its seeds and the "
                     : "Intervals are over ") +
         data::unit_words(report.rows.empty() ? data::FilmUnit::patient : report.rows[0].unit) +
         (several ? " both as drawn (mixed model, place by place). " : ", for these weights. ") +
         "Move over a chart, or use its arrow keys, and the table below it reads all curves at that point. "
         "Untick a "
         "method to hide it; point at it to see its interval. No two methods have the same dashes and marks" +
         (controls ? "; controls are thin, with hollow marks." : ".") +
         (report.panels.empty() ? ""
          : several
              ? " Dots stand on each curve where the first seed, whose boxes the viewer shows, has the false "
                "positives of the viewer's score threshold."
              : " Dots stand on each curve where the viewer's score threshold is.") +
         "</p>";
}

std::string legend_row(const ReportRow& row, size_t index, size_t colour) {
  return "<tr style=\"--c:" + svg::colour(colour) + "\"><th scope=\"row\"><label><input type=\"checkbox\"" +
         (row.control ? "" : " checked") + " data-row=\"" + std::to_string(index) + "\">" +
         froc_sample(colour, row.control) + escape_markup(method_label(row.enhancement)) +
         (row.control ? " <small>" + row_kind(row) + "</small>" : "") +
         "</label></th><td></td><td></td><td></td></tr>";
}

}  // namespace

std::string curves_section(const Report& report) {
  const std::vector<size_t> order = report_order(report.rows), colours = row_colours(report.rows);
  std::vector<std::string> detectors;
  for (const size_t i : order) {
    const ReportRow& row = report.rows[i];
    if (!row.line.points.empty() &&
        std::find(detectors.begin(), detectors.end(), row.detector) == detectors.end())
      detectors.push_back(row.detector);
  }
  if (detectors.empty()) return "";
  std::string html = lead(report) + bar(report);
  for (size_t d = 0; d < detectors.size(); ++d) {
    std::vector<FrocLine> lines;
    std::vector<FrocStyle> styles;
    std::string legend;
    for (const size_t i : order) {
      const ReportRow& row = report.rows[i];
      if (row.detector != detectors[d] || row.line.points.empty()) continue;
      lines.push_back(row.line);
      styles.push_back({i, colours[i], row.control});
      legend += legend_row(row, i, colours[i]);
    }
    const std::string name = detector_label(detectors[d]);
    const ChartLabels labels{
        "FROC of " + name,
        "Sensitivity over false positives per image, one curve a method; the table below "
        "reads the curves."};
    html +=
        "<div class=\"chart\"><h3>" + escape_markup(name) + "</h3>" +
        froc_svg_inline(labels, lines, "froc" + std::to_string(d) + "-", styles) +
        "<div class=\"legend\"><table><caption class=\"readout\" aria-live=\"polite\">Curves</caption>"
        "<thead><tr><th scope=\"col\">Method</th><th scope=\"col\">sensitivity</th><th scope=\"col\">false "
        "pos.</th><th scope=\"col\">score ≥</th></tr></thead><tbody>" +
        legend + "</tbody></table></div></div>";
  }
  return html + "</div></section>";
}

}  // namespace cawe::report::page
