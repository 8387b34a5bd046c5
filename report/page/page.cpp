// SPDX-License-Identifier: Apache-2.0
// The report's page: the template filled with its parts.
#include "report/page/page.h"

#include <map>

#include "report/page/parts.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"

namespace cawe::report {
namespace {

std::string list(const std::vector<std::string>& items, const char* open) {
  if (items.empty()) return "";
  std::string html = open;
  for (const std::string& item : items) html += "<li>" + escape_markup(item) + "</li>";
  return html + "</ul>";
}

/// Replaces each {{name}} once; replaced text is not searched again, so that no part can insert another.
std::string fill(const std::string& text, const std::map<std::string, std::string>& parts) {
  std::string out;
  size_t at = 0;
  for (size_t open = text.find("{{"); open != std::string::npos; open = text.find("{{", at)) {
    const size_t close = text.find("}}", open);
    const auto part = parts.find(text.substr(open + 2, close - open - 2));
    CAWE_CHECK(part != parts.end(), Code::internal, "report: unknown part ",
               text.substr(open, close + 2 - open));
    out += text.substr(at, open - at) + part->second;
    at = close + 2;
  }
  return out + text.substr(at);
}

/// The id attribute of a section.
std::string section_id(const std::string& html) {
  const size_t from = html.find("id=\"") + 4;
  return html.substr(from, html.find('"', from) - from);
}

/// Links to the sections that the page has, and the one for keyboards that leads to the first of them: a page without rows
/// has no table.
void add_links(std::map<std::string, std::string>* parts) {
  const std::pair<std::string, std::string> places[] = {
      {"table", "Table"},   {"charts", "Curves"},         {"viewer", "Images"},        {"figures", "Figures"},
      {"extra", "Details"}, {"checklists", "Checklists"}, {"provenance", "Provenance"}};
  std::string &links = (*parts)["places"], &skip = (*parts)["skip"];
  for (const auto& [part, name] : places) {
    const std::string& section = (*parts)[part];
    if (section.empty()) continue;
    const std::string target = "href=\"#" + section_id(section) + "\">";
    if (skip.empty())
      skip =
          "<a class=\"skip\" " + target + "Skip to the " + (part == "table" ? "table" : "content") + "</a>";
    links += "<a " + target + name + "</a>";
  }
}

}  // namespace

std::string report_html(const Report& report) {
  std::string facts;
  for (const auto& [name, value] : report.facts)
    facts += "<div><dt>" + escape_markup(name) + "</dt><dd>" + escape_markup(value) + "</dd></div>";
  std::map<std::string, std::string> parts;
  parts["title"] = escape_markup(report.title);
  parts["style"] =
      fill(kReportStyle, {{"series-light", series_css(false)}, {"series-dark", series_css(true)}});
  parts["banner"] =
      report.demonstration
          ? "<p class=\"banner\" role=\"note\">Demonstration, not evidence. <span>Small networks, few steps "
            "and procedural images: it shows that the chain works, not what a method is worth.</span></p>"
          : "";
  if (!report.warnings.empty())
    parts["banner"] +=
        "<div class=\"warnings\" role=\"note\"><h2>Warnings</h2>" + list(report.warnings, "<ul>") + "</div>";
  parts["subtitle"] =
      report.subtitle.empty() ? "" : "<p class=\"subtitle\">" + escape_markup(report.subtitle) + "</p>";
  std::vector<Claim> claims;
  for (const ReportRow& row : report.rows)
    if (!row.baseline && !row.control) claims.push_back(page::claim(report, row));
  std::vector<std::string> findings = report.findings;
  if (!claims.empty()) findings.push_back(summary(claims));
  parts["findings"] = list(findings, "<ul class=\"findings\">");
  parts["facts"] = facts.empty() ? "" : "<dl class=\"facts\">" + facts + "</dl>";
  parts["table"] = page::results_section(report);
  parts["charts"] = page::curves_section(report);
  parts["viewer"] = page::viewer_section(report);
  parts["figures"] = page::figures_section(report);
  parts["extra"] = page::extra_sections(report);
  parts["checklists"] = page::checklists_section(report);
  parts["provenance"] = page::provenance_section(report);
  add_links(&parts);
  parts["data"] = page::script_data(report);
  parts["script"] = std::string(kReportScript) + kReportCurves + kReportViewer;
  return fill(kReportTemplate, parts);
}

void write_report(const std::string& path, const Report& report) { write_file(path, report_html(report)); }

}  // namespace cawe::report
