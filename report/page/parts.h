// SPDX-License-Identifier: Apache-2.0
// The report's parts, for the report's and the figures' own files alone.
#pragma once

#include <string>
#include <vector>

#include "report/page/page.h"
#include "report/statements.h"

namespace cawe::report {

// Files of this folder, embedded at build time.
extern const char* const kReportTemplate;  ///< template.html
extern const char* const kReportStyle;     ///< page.css
extern const char* const kReportScript;    ///< page.js, curves.js, viewer.js: one program
extern const char* const kReportCurves;
extern const char* const kReportViewer;

namespace page {

/// A number with fixed digits; a dash for NaN.
std::string fixed(double v, int digits);

/// Names without case, blanks, "_" and "-", so that "Faster R-CNN" is "faster_rcnn"; grey and plain are
/// "none".
std::string method_key(const std::string& name);
/// How a detector and an enhancement are written: "Faster R-CNN"; "Plain" for "none", "Color + CAWE".
std::string detector_label(const std::string& detector);
std::string method_label(const std::string& enhancement);
/// "RetinaNet with CAWE", "plain RetinaNet"
std::string subject(const ReportRow& row);
/// "ablation", "control" or "".
inline std::string row_kind(const ReportRow& row) {
  return row.ablation ? "ablation" : row.control ? "control" : "";
}
/// Indices of the rows as the page shows them: the paper's order, controls last.
std::vector<size_t> report_order(const std::vector<ReportRow>& rows);
/// Colour of each row: one a kind of enhancement, the same in every chart.
std::vector<size_t> row_colours(const std::vector<ReportRow>& rows);
/// What a row that is no baseline claims.
Claim claim(const Report& report, const ReportRow& row);

// Sections of the page; "" where the report has nothing for them.
std::string results_section(const Report& report);
std::string curves_section(const Report& report);
std::string viewer_section(const Report& report);
std::string figures_section(const Report& report);
std::string extra_sections(const Report& report);
std::string provenance_section(const Report& report);
/// What the script works on: JSON of rows and panels, and one element a panel with its pictures and boxes,
/// which the script reads when the panel is opened.
std::string script_data(const Report& report);

}  // namespace page
}  // namespace cawe::report
