// SPDX-License-Identifier: Apache-2.0
// The report's main table.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include "eval/json_writer.h"
#include "eval/report_parts.h"

namespace cawe::eval::report_detail {
namespace {

std::string with_sign(double v, int digits) {
  if (std::isnan(v)) return "–";
  std::string text = fixed(std::abs(v), digits);
  return (v < 0 ? "−" : "+") + text;
}

std::string range(const Interval& i) {
  return std::isnan(i.low) ? "" : fixed(i.low, 2) + " to " + fixed(i.high, 2);
}

std::string p_text(double p) { return std::isnan(p) ? "–" : p < 0.001 ? "&lt; 0.001" : fixed(p, 3); }
std::string sort_key(double v) { return std::isnan(v) ? "" : shortest(v); }

/// The rule for print: ">=" as one sign.
std::string printed_rule(std::string rule) {
  const size_t at = rule.find(">=");
  if (at != std::string::npos) rule.replace(at, 2, "≥");
  return escape_markup(rule);
}

std::string header_cell(const std::string& name, const std::string& under) {
  return "<th scope=\"col\"><button type=\"button\">" + name + "</button>" +
         (under.empty() ? "" : "<small>" + under + "</small>") + "</th>";
}

/// Mean sensitivity with its interval on a common scale; the dashed line is the baseline.
std::string forest(const ReportRow& row, double reference, double low, double high, size_t colour) {
  const auto x = [&](double v) { return fixed(4 + 142 * (v - low) / (high - low), 1); };
  std::string svg = "<svg class=\"forest\" viewBox=\"0 0 150 22\" aria-hidden=\"true\" style=\"--c:var(--s" +
                    std::to_string(colour) + ")\">";
  if (!std::isnan(reference))
    svg +=
        "<line class=\"ref\" x1=\"" + x(reference) + "\" x2=\"" + x(reference) + "\" y1=\"-8\" y2=\"30\"/>";
  if (!std::isnan(row.mean.low))
    svg += "<line class=\"whisker\" x1=\"" + x(row.mean.low) + "\" x2=\"" + x(row.mean.high) +
           "\" y1=\"11\" y2=\"11\"/>";
  return svg + "<circle cx=\"" + x(row.mean.value) + "\" cy=\"11\" r=\"4.5\"/></svg>";
}

/// The parts that are not empty, between dots, as the small line of a cell.
std::string small_line(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts)
    if (!part.empty()) text += (text.empty() ? "" : " · ") + escape_markup(part);
  return text.empty() ? "" : "<small>" + text + "</small>";
}

std::string sens_cell(const ReportRow& row, size_t k) {
  const std::string difference =
      row.baseline ? "baseline"
                   : with_sign(row.delta[k].interval.value, 3) + "<br>p " + p_text(row.delta[k].p);
  const std::string negatives = std::isnan(row.sens_negatives[k]) ? "n/a" : fixed(row.sens_negatives[k], 3);
  return "<td data-sort=\"" + sort_key(row.sens[k].value) + "\">" + fixed(row.sens[k].value, 3) +
         "<small class=\"ci\">" + range(row.sens[k]) + "</small><small class=\"diff\">" + difference +
         "</small><small class=\"neg\">" + negatives + "</small></td>";
}

/// Every operating point of the usual kinds with its score threshold, folded away.
std::string operating_points(const Report& report) {
  std::string rows, header;
  for (const ReportRow& row : report.rows) {
    if (row.operating.empty()) continue;
    if (header.empty())
      for (const SensRow& s : row.operating) header += "<th scope=\"col\">" + shortest(s.at.fp) + "</th>";
    rows += "<tr><th scope=\"row\"><b>" + escape_markup(row.detector) + "</b> " +
            escape_markup(method_name(row)) + "</th>";
    for (const SensRow& s : row.operating) {
      const std::string from =
          std::isinf(s.at.threshold) ? "no point" : "score ≥ " + fixed(s.at.threshold, 3);
      rows += "<td>" + fixed(s.at.sensitivity, 3) + "<small>" + from + "</small>" +
              (s.at.curve_ends ? "<small>curve ends at " + fixed(s.at.ends_at, 2) + "</small>" : "") +
              "</td>";
    }
    rows += "</tr>";
  }
  if (rows.empty()) return "";
  return "<details><summary>All operating points with their score thresholds (first seed)</summary><div "
         "class=\"scroll\" tabindex=\"0\" "
         "role=\"region\" aria-label=\"operating points\"><table><thead><tr><th scope=\"col\">False "
         "positives per image</th>" +
         header + "</tr></thead><tbody>" + rows + "</tbody></table></div></details>";
}

std::string table_row(const Report& report, size_t index, double reference, double low, double high,
                      size_t colour) {
  const ReportRow& row = report.rows[index];
  const bool first = index == 0 || report.rows[index - 1].detector != row.detector;
  std::string html =
      "<tr class=\"" + std::string(row.baseline ? "baseline " : "") + (first ? "first-of-group" : "") +
      "\"><th scope=\"row\" data-sort=\"" + escape_markup(row.detector + " " + row.enhancement) + "\"><b>" +
      escape_markup(row.detector) + "</b> " +
      (row.enhancement == "none" ? "plain" : "+ " + escape_markup(row.enhancement)) +
      small_line({row.baseline  ? "baseline"
                  : row.control ? "control"
                                : "",
                  row.seeds.empty() ? "" : "seeds " + row.seeds}) +
      (row.note.empty() ? "" : "<small class=\"note\">" + escape_markup(row.note) + "</small>") + "</th>";
  for (size_t k = 0; k < 4; ++k) html += sens_cell(row, k);
  html += "<td data-sort=\"" + sort_key(row.mean.value) + "\"><div class=\"estimate\">" +
          forest(row, reference, low, high, colour) + "<div>" + fixed(row.mean.value, 3) + "<small>" +
          range(row.mean) + "</small></div></div></td>";
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double delta = row.baseline ? nan : row.delta_mean.interval.value;
  html += "<td data-sort=\"" + sort_key(delta) + "\">" + with_sign(delta, 3);
  if (!row.baseline)
    html += "<small>" + with_sign(row.delta_mean.interval.low, 3) + " to " +
            with_sign(row.delta_mean.interval.high, 3) + "</small>";
  html += "</td><td data-sort=\"" + sort_key(row.baseline ? nan : row.delta_mean.p) + "\">" +
          (row.baseline ? "–" : p_text(row.delta_mean.p));
  if (!row.baseline && !std::isnan(row.p_holm)) html += "<small>Holm " + p_text(row.p_holm) + "</small>";
  return html + "</td><td data-sort=\"" + sort_key(row.map50.value) + "\">" + fixed(row.map50.value, 3) +
         "<small>" + range(row.map50) + "</small></td></tr>\n";
}

}  // namespace

std::string method_name(const ReportRow& row) {
  return row.enhancement == "none" ? "plain" : row.enhancement;
}

std::string fixed(double v, int digits) {
  if (std::isnan(v)) return "–";
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, v);
  return text;
}

/// Colour of each row: one a kind of enhancement, the same in every chart.
std::vector<size_t> row_colours(const Report& report) {
  std::map<std::string, size_t> known;
  std::vector<size_t> colours;
  for (const ReportRow& row : report.rows)
    colours.push_back(known.emplace(row.enhancement, known.size()).first->second % 8);
  return colours;
}

std::string results_section(const Report& report, const std::vector<size_t>& colours) {
  if (report.rows.empty()) return "";
  double low = 1, high = 0;
  std::map<std::string, double> reference;
  for (const ReportRow& row : report.rows) {
    low = std::min({low, row.mean.value, std::isnan(row.mean.low) ? 1 : row.mean.low});
    high = std::max({high, row.mean.value, std::isnan(row.mean.high) ? 0 : row.mean.high});
    if (row.baseline) reference[row.detector] = row.mean.value;
  }
  if (!(high > low)) high = low + 0.1;
  const std::string percent = fixed(100 * report.level, 0) + " %";
  std::string html =
      "<section id=\"table\"><h2>Sensitivity by method</h2><p class=\"lead\">Share of true lesions found "
      "when on average "
      "1, 2, 3 or 4 boxes per image are false. A lesion counts as found by the rule: " +
      printed_rule(report.froc_rule) + ". Small figures are " + percent +
      " intervals over patients.</p><div class=\"bar\"><div class=\"segment\" role=\"group\" "
      "aria-label=\"second line of each cell\"><button type=\"button\" data-show=\"ci\" "
      "aria-pressed=\"true\">Intervals</button>"
      "<button type=\"button\" data-show=\"neg\" aria-pressed=\"false\" title=\"the same, with false "
      "positives counted on "
      "lesion-free images only\">On lesion-free images</button>"
      "<button type=\"button\" data-show=\"diff\" aria-pressed=\"false\">Differences to the "
      "baseline</button></div></div>"
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"results\"><table class=\"sortable\" "
      "id=\"results\"><thead><tr>" +
      header_cell("Method", "");
  for (const char* n : {"1", "2", "3", "4"}) html += header_cell(std::string("Sens@") + n, "");
  html += header_cell("Mean of the four", "dashed line: baseline") + header_cell("Δ mean", "paired") +
          header_cell("p", "two-sided") + header_cell("mAP50", "") + "</tr></thead><tbody>\n";
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const auto at = reference.find(report.rows[i].detector);
    html +=
        table_row(report, i, at == reference.end() ? std::numeric_limits<double>::quiet_NaN() : at->second,
                  low, high, colours[i]);
  }
  html += "</tbody></table></div><ul class=\"under\">";
  if (!std::isnan(report.minimum_detectable))
    html += "<li>Smallest true difference of the mean that this test set would show with 80 % power: " +
            fixed(report.minimum_detectable, 3) + ".</li>";
  html += "<li>Rows whose intervals overlap are not ranked.</li>";
  for (const std::string& note : report.table_notes) html += "<li>" + escape_markup(note) + "</li>";
  return html + "</ul>" + operating_points(report) + "</section>";
}

}  // namespace cawe::eval::report_detail
