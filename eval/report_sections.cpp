// SPDX-License-Identifier: Apache-2.0
// The report's curves, viewer, tables, figures and provenance as HTML.
#include <algorithm>

#include "eval/json_writer.h"
#include "eval/report_parts.h"

namespace cawe::eval::report_detail {
std::string curves_section(const Report& report, const std::vector<size_t>& colours) {
  std::vector<std::string> detectors;
  for (const ReportRow& row : report.rows)
    if (!row.line.points.empty() &&
        std::find(detectors.begin(), detectors.end(), row.detector) == detectors.end())
      detectors.push_back(row.detector);
  if (detectors.empty()) return "";
  std::string html =
      "<section id=\"curves\"><h2>FROC curves</h2><p class=\"lead\">Sensitivity against false positives per "
      "image as "
      "the score threshold falls. The first curve stands with its pointwise interval; point at another in "
      "the legend to "
      "see its own. Move over a chart, or use the arrow keys, to read values; dots follow the viewer's "
      "threshold.</p>"
      "<div class=\"bar\"><div class=\"segment\" role=\"group\" aria-label=\"false positives counted on\">"
      "<button type=\"button\" data-denominator=\"images\" aria-pressed=\"true\">False positives on all "
      "images</button>"
      "<button type=\"button\" data-denominator=\"negatives\" aria-pressed=\"false\">On lesion-free images "
      "only</button></div>"
      "<label class=\"check\"><input type=\"checkbox\" id=\"bands\"> Show every interval</label></div>"
      "<div class=\"charts\" id=\"charts\">";
  for (size_t d = 0; d < detectors.size(); ++d) {
    std::vector<FrocLine> lines;
    std::vector<size_t> rows, of_lines;
    std::string legend;
    for (size_t i = 0; i < report.rows.size(); ++i) {
      const ReportRow& row = report.rows[i];
      if (row.detector != detectors[d] || row.line.points.empty()) continue;
      lines.push_back(row.line);
      rows.push_back(i);
      of_lines.push_back(colours[i]);
      legend += "<label style=\"--c:var(--s" + std::to_string(colours[i]) +
                ")\"><input type=\"checkbox\" checked data-row=\"" + std::to_string(i) + "\"><i></i>" +
                escape_markup(method_name(row)) + "</label>";
    }
    const ChartLabels labels{"FROC of " + detectors[d],
                             "Sensitivity over false positives per image, one curve a method; "
                             "the table above gives the values at 1, 2, 3 and 4."};
    html += "<div class=\"chart\"><h3>" + escape_markup(detectors[d]) + "</h3>" +
            froc_svg_inline(labels, lines, "froc" + std::to_string(d) + "-", rows, of_lines) +
            "<div class=\"legend\">" + legend + "</div><p class=\"readout\" aria-live=\"polite\"></p></div>";
  }
  return html + "</div></section>";
}

std::string viewer_section(const Report& report) {
  if (report.panels.empty()) return "";
  std::string panels, rows;
  for (size_t i = 0; i < report.panels.size(); ++i)
    panels +=
        "<option value=\"" + std::to_string(i) + "\">" + escape_markup(report.panels[i].title) + "</option>";
  for (size_t i = 0; i < report.rows.size(); ++i)
    rows += "<option value=\"" + std::to_string(i) + "\">" + escape_markup(report.rows[i].detector) +
            (report.rows[i].enhancement == "none" ? " plain"
                                                  : " + " + escape_markup(report.rows[i].enhancement)) +
            "</option>";
  const auto slider = [](const std::string& id, const std::string& name, double value) {
    return "<label class=\"no-print\" for=\"" + id + "\">" + name + "<output id=\"" + id + "-value\" for=\"" +
           id + "\"></output><input type=\"range\" id=\"" + id +
           "\" min=\"0\" max=\"1\" step=\"0.01\" value=\"" + shortest(value) + "\"></label>";
  };
  return "<section id=\"viewer\"><h2>Images, maps and boxes</h2><p class=\"lead\">What the detectors saw and "
         "said on test "
         "images. Drag on the picture to change its window: up and down moves the level, left and right the "
         "width.</p>"
         "<div class=\"viewer\"><div class=\"stage\" id=\"window\" tabindex=\"0\" role=\"group\" "
         "aria-label=\"Picture; arrow keys "
         "change level and width, Home resets\"><canvas id=\"picture\" role=\"img\" aria-label=\"test image "
         "with boxes\"></canvas>"
         "<svg id=\"boxes\" aria-hidden=\"true\"></svg></div><div class=\"controls\">"
         "<label class=\"no-print\">Image<span class=\"pick\"><button type=\"button\" class=\"plain\" "
         "id=\"previous\" aria-label=\"previous "
         "image\">‹</button><select id=\"panel\" aria-label=\"image\">" +
         panels +
         "</select><button type=\"button\" class=\"plain\" id=\"next\" "
         "aria-label=\"next image\">›</button></span></label>"
         "<label class=\"no-print\" id=\"kind-label\" hidden>Picture<select id=\"kind\" "
         "aria-label=\"picture\"></select></label>"
         "<label class=\"no-print\">Predictions of<select id=\"row\" aria-label=\"predictions of\">" +
         rows + "</select></label>" + slider("threshold", "Score threshold", report.threshold) +
         slider("alpha", "Blending α (1 = plain image)", report.alpha) +
         "<label class=\"check no-print\"><input type=\"checkbox\" id=\"overlay\"> Show the attention map in "
         "colour</label>"
         "<label class=\"check no-print\"><input type=\"checkbox\" id=\"show-truth\" checked> Show true "
         "boxes</label>"
         "<label class=\"no-print\">Window <output id=\"window-value\"></output></label>"
         "<button type=\"button\" class=\"plain no-print\" id=\"reset\">Reset</button>"
         "<ul class=\"key\"><li><i></i>true lesion</li><li class=\"k-hit\"><i></i>predicted, right</li>"
         "<li class=\"k-miss\"><i></i>predicted, wrong or duplicate</li></ul>"
         "<p class=\"state\" id=\"state\" aria-live=\"polite\"></p><p class=\"classes\" "
         "id=\"classes\"></p></div></div>"
         "<noscript><p>The viewer needs scripts; table, curves and provenance do "
         "not.</p></noscript></section>";
}

std::string extra_sections(const Report& report) {
  std::string html;
  if (!report.tables.empty()) html += "<section class=\"stack\">";
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
  if (report.figures.empty()) return html;
  html += "<section><h2>Figures</h2><div class=\"figures\">";
  for (const ReportFigure& figure : report.figures)
    html += "<figure><h3>" + escape_markup(figure.title) + "</h3>" + figure.svg + "<figcaption>" +
            escape_markup(figure.caption) + "</figcaption></figure>";
  return html + "</div></section>";
}

std::string provenance_section(const Report& report) {
  std::string html =
      "<section id=\"provenance\"><h2>Provenance</h2><p class=\"lead\">What is needed to get the same bytes "
      "again.</p>";
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

}  // namespace cawe::eval::report_detail
