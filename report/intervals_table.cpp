// SPDX-License-Identifier: Apache-2.0
#include "report/intervals_table.h"

#include <cmath>

#include "report/statements.h"

namespace cawe::report {
namespace {

std::string range(double low, double high) {
  return std::isnan(low) ? "–" : signed_text(low) + " to " + signed_text(high);
}

}  // namespace

ReportTable intervals_table(const std::vector<IntervalsLine>& lines) {
  ReportTable t;
  t.title = "The same differences by other intervals";
  for (const IntervalsLine& line : lines) {
    const ReportRow& row = *line.row;
    if (row.baseline || row.difference.footing == eval::Footing::weights_only) continue;
    const std::string units = data::unit_words(row.unit);
    if (t.rows.empty()) {
      t.caption =
          "Mean of Sens@1, 2, 3, 4 minus plain. Verdicts go by the mixed model alone: seeds and " + units +
          " are both drawn. The two-level bootstrap draws seeds, then " + units +
          "; calibrated, it has the mixed model's width and its own shape; its plain percentiles are too "
          "narrow with few seeds and too wide where seeds and " +
          units + " interact. “These films” takes the films as given, “these weights” the trained weights.";
      t.header = {"row",
                  "difference",
                  "mixed model",
                  "two-level bootstrap, calibrated",
                  "its percentiles",
                  "these films: t over seeds",
                  "these weights: over " + units};
    }
    const eval::MethodFigure& f = row.difference.figures[eval::kComparedMean];
    t.rows.push_back({line.label, signed_text(row.delta_mean.interval.value),
                      range(f.mixed.interval.low, f.mixed.interval.high),
                      range(f.two_level_calibrated.low, f.two_level_calibrated.high),
                      range(f.two_level.interval.low, f.two_level.interval.high),
                      range(f.films_fixed.low, f.films_fixed.high),
                      range(f.patients.interval.low, f.patients.interval.high)});
  }
  return t;
}

}  // namespace cawe::report
