// SPDX-License-Identifier: Apache-2.0
// The report's parts, for the files of report/ and study/.
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

/// A number with a fixed number of digits; a dash for NaN.
std::string fixed_or_dash(double v, int digits);

/// Names in lower case without blanks, "_" and "-", so that "Faster R-CNN" equals "faster_rcnn"; "grey" and
/// "plain" become "none".
std::string method_key(const std::string& name);
/// Display names of a detector and an enhancement: "Faster R-CNN"; "Plain" for "none", "Color + CAWE".
std::string detector_label(const std::string& detector);
std::string method_label(const std::string& enhancement);
/// A picture's name in the viewer: "Grey", "CAWE"; and that of the first one fused, where no other of the panel is.
std::string picture_label(const std::string& name);
std::string mapped_label(const ReportPanel& panel);
/// "RetinaNet with CAWE", "plain RetinaNet"
std::string subject(const ReportRow& row);
/// "A/A", "ablation", "control" or "".
inline std::string row_kind(const ReportRow& row) {
  return row.again ? "A/A" : row.ablation ? "ablation" : row.control ? "control" : "";
}
/// Indices of the rows as the page shows them: the paper's order, controls last.
std::vector<size_t> report_order(const std::vector<ReportRow>& rows);
/// Colour of each row, with its dashes and marks: one for each kind of enhancement, the same in all charts. A number from
/// series_count() on has the colour of a smaller one, with other dashes and marks (report/charts/svg.h): a page's style
/// sheet has it as svg::colour().
std::vector<size_t> row_colours(const std::vector<ReportRow>& rows);
/// The comparison of a row with its baseline, for report/statements.h.
Claim claim(const Report& report, const ReportRow& row);

// Sections of the page; "" where the report has nothing for them.
std::string results_section(const Report& report);
std::string curves_section(const Report& report);
std::string viewer_section(const Report& report);
std::string figures_section(const Report& report);
std::string extra_sections(const Report& report);
/// CLAIM and TRIPOD+AI, collapsed (report/checklists.h).
std::string checklists_section(const Report& report);
std::string provenance_section(const Report& report);
/// The script's input: JSON of rows and panels, and for each panel an element with its pictures and boxes,
/// which the script reads when the panel is opened.
std::string script_data(const Report& report);

}  // namespace page
}  // namespace cawe::report
