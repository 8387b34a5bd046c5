// SPDX-License-Identifier: Apache-2.0
// The text files of the report, embedded at build time; for report.cpp alone.
#pragma once

namespace cawe::eval {

extern const char* const kReportTemplate;  ///< report_template.html
extern const char* const kReportStyle;     ///< report.css
extern const char* const kReportScript;    ///< report.js

}  // namespace cawe::eval
