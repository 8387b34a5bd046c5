// SPDX-License-Identifier: Apache-2.0
// The report's figures, tables and provenance as HTML.
#include <algorithm>

#include "report/base64.h"
#include "report/page/parts.h"
#include "tensor/io/format.h"

namespace cawe::report::page {
namespace {

/// A link that saves `content` under the given name; it works without the network.
std::string download(const std::string& file, const std::string& type, const std::string& content) {
  return "<a class=\"plain\" download=\"" + escape_markup(file) + "\" href=\"data:" + type +
         ";charset=utf-8;base64," + base64(content) + "\">" + escape_markup(file) + "</a>";
}

}  // namespace

std::string figures_section(const Report& report) {
  if (report.figures.empty()) return "";
  std::string html = "<section id=\"figures\"><h2>Figures</h2>";
  for (const Figure& figure : report.figures) {
    html += "<figure class=\"figure\"><h3>" + escape_markup(figure.title) +
            "</h3><div class=\"drawing\" tabindex=\"0\" role=\"region\" aria-label=\"" +
            escape_markup(figure.title) + "\">" + figure.svg + "</div><figcaption><p>" +
            escape_markup(figure.caption) + "</p>";
    if (!figure.name.empty()) {
      html += "<span class=\"files no-print\">" + download(figure.name + ".svg", "image/svg+xml", figure.svg);
      if (!figure.other_svg.empty())
        html += " " + download(figure.other_name + ".svg", "image/svg+xml", figure.other_svg);
      if (!figure.csv.empty()) html += " " + download(figure.name + ".csv", "text/csv", figure.csv);
      html += "</span>";
    }
    html += "</figcaption></figure>";
  }
  return html + "</section>";
}

std::string extra_sections(const Report& report) {
  std::string html;
  if (!report.tables.empty()) html += "<section class=\"stack\" id=\"tables\">";
  for (const ReportTable& table : report.tables) {
    html += "<div><h2>" + escape_markup(table.title) + "</h2>" +
            (table.caption.empty() ? "" : "<p class=\"lead\">" + escape_markup(table.caption) + "</p>") +
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" +
            escape_markup(table.title) + "\"><table><thead><tr>";
    for (const std::string& name : table.header) html += "<th scope=\"col\">" + escape_markup(name) + "</th>";
    html += "</tr></thead><tbody>";
    for (const auto& row : table.rows) {
      html += "<tr>";
      for (size_t k = 0; k < row.size(); ++k)
        html +=
            (k == 0 ? "<th scope=\"row\">" : "<td>") + escape_markup(row[k]) + (k == 0 ? "</th>" : "</td>");
      html += "</tr>";
    }
    html += "</tbody></table></div></div>";
  }
  if (!report.tables.empty()) html += "</section>";
  return html;
}

std::string provenance_section(const Report& report) {
  const bool commands =
      std::any_of(report.environment.begin(), report.environment.end(),
                  [](const auto& fact) { return fact.first == "command_line" && !fact.second.empty(); });
  std::string html =
      "<section id=\"provenance\"><h2>Provenance</h2><p class=\"lead\">What is needed to get the same bytes "
      "again." +
      std::string(commands
                      ? " The command line may be pasted into a shell; its paths are relative to where it "
                        "was given."
                      : "") +
      "</p>";
  if (!report.environment.empty()) {
    html += "<details open><summary>Environment</summary><dl class=\"environment\">";
    for (const auto& [name, value] : report.environment)
      html += "<dt>" + escape_markup(name) + "</dt><dd>" + escape_markup(value) + "</dd>";
    html += "</dl></details>";
  }
  if (!report.recipe.empty())
    html += "<details><summary>Recipe, fully resolved</summary><pre>" + escape_markup(report.recipe) +
            "</pre></details>";
  return html + "</section>";
}

}  // namespace cawe::report::page
