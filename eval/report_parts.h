// SPDX-License-Identifier: Apache-2.0
// The report's parts, for the report's own files alone.
#pragma once

#include <string>
#include <vector>

#include "eval/report.h"

namespace cawe::eval {

extern const char* const kReportTemplate;  ///< report_template.html, embedded at build time
extern const char* const kReportStyle;     ///< report.css
extern const char* const kReportScript;    ///< report.js

namespace report_detail {

/// A number with fixed digits; a dash for NaN.
std::string fixed(double v, int digits);
/// Colour of each row: one a kind of enhancement, the same in every chart.
std::vector<size_t> row_colours(const Report& report);
/// What a method is called beside its detector: "plain" for "none".
std::string method_name(const ReportRow& row);

// Sections of the page; "" where the report has nothing for them.
std::string results_section(const Report& report, const std::vector<size_t>& colours);
std::string curves_section(const Report& report, const std::vector<size_t>& colours);
std::string viewer_section(const Report& report);
std::string extra_sections(const Report& report);
std::string provenance_section(const Report& report);
/// What the script works on, as JSON.
std::string script_data(const Report& report, const std::vector<size_t>& colours);

}  // namespace report_detail
}  // namespace cawe::eval
