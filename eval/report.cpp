// SPDX-License-Identifier: Apache-2.0
// The report's page: HTML by sections, data for its script as JSON.
#include "eval/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "data/csv.h"
#include "eval/json_writer.h"
#include "eval/report_parts.h"
#include "tensor/error.h"

namespace cawe::eval {
namespace {

std::string fixed(double v, int digits) {
  if (std::isnan(v)) return "–";
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, v);
  return text;
}

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

std::string base64(const std::vector<uint8_t>& bytes) {
  static const char* const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = bytes.size() - i;
    const uint32_t word = uint32_t(bytes[i]) << 16 | (left > 1 ? uint32_t(bytes[i + 1]) << 8 : 0) |
                          (left > 2 ? uint32_t(bytes[i + 2]) : 0);
    text += letters[word >> 18];
    text += letters[word >> 12 & 63];
    text += left > 1 ? letters[word >> 6 & 63] : '=';
    text += left > 2 ? letters[word & 63] : '=';
  }
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
  std::string cell = "<td data-sort=\"" + sort_key(row.sens[k].value) + "\">" + fixed(row.sens[k].value, 3) +
                     "<small class=\"ci\">" + range(row.sens[k]) + "</small>";
  if (row.baseline) return cell + "<small class=\"diff\">baseline</small></td>";
  return cell + "<small class=\"diff\">" + with_sign(row.delta[k].interval.value, 3) + ", p " +
         p_text(row.delta[k].p) + "</small></td>";
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

std::string results_table(const Report& report, const std::vector<size_t>& colours) {
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
  return html + "</ul></section>";
}

std::string froc_charts(const Report& report, const std::vector<size_t>& colours) {
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
      "<div class=\"bar\"><label class=\"check\"><input type=\"checkbox\" id=\"bands\"> Show every "
      "interval</label></div>"
      "<div class=\"charts\">";
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
                escape_markup(row.enhancement == "none" ? "plain" : row.enhancement) + "</label>";
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

std::string viewer(const Report& report) {
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

std::string extras(const Report& report) {
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

std::string provenance(const Report& report) {
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

void box_values(JsonWriter* json, const BoxD& b) {
  for (double v : {b.x1, b.y1, b.x2, b.y2}) json->rounded(v, 6);
}

/// Corners of the curve are enough for the read-outs: the last point of each run of equal sensitivity, which
/// has the run's largest x, and the first one.
void curve_points(JsonWriter* json, const std::vector<FrocPoint>& points) {
  json->array();
  for (size_t i = 0; i < points.size(); ++i) {
    const bool inner = i > 0 && i + 1 < points.size() && points[i - 1].sensitivity == points[i].sensitivity &&
                       points[i + 1].sensitivity == points[i].sensitivity && points.size() > 600;
    if (inner && i % (points.size() / 300) != 0) continue;
    json->array()
        .rounded(points[i].threshold, 6)
        .rounded(points[i].fp_per_image, 6)
        .rounded(points[i].sensitivity, 6)
        .end();
  }
  json->end();
}

void panel_data(JsonWriter* json, const ReportPanel& panel) {
  CAWE_CHECK(!panel.pictures.empty() && panel.width > 0 && panel.height > 0, Code::internal,
             "report: panel '", panel.title, "' has no picture or no size");
  json->object().field("title", panel.title).field("width", panel.width).field("height", panel.height);
  json->key("pictures").array();
  for (const ReportPicture& picture : panel.pictures)
    json->object().field("name", picture.name).field("png", base64(picture.png)).end();
  json->end().key("map");
  if (panel.map_png.empty())
    json->null();
  else
    json->value(base64(panel.map_png));
  json->key("classes").array();
  for (const auto& [name, probability] : panel.classes)
    json->array().value(name).rounded(probability, 4).end();
  json->end().key("truth").array();
  for (const BoxD& b : panel.truth) {
    json->array();
    box_values(json, b);
    json->end();
  }
  json->end().key("predictions").array();
  for (const auto& row : panel.predictions) {
    json->array();
    for (const ReportBox& b : row) {
      json->array();
      box_values(json, b.box);
      json->rounded(b.score, 5).value(b.hit ? 1 : 0).end();
    }
    json->end();
  }
  json->end().end();
}

std::string script_data(const Report& report, const std::vector<size_t>& colours) {
  JsonWriter json;
  json.object().field("alpha", report.alpha).field("threshold", report.threshold).key("rows").array();
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const ReportRow& row = report.rows[i];
    json.object()
        .field("detector", row.detector)
        .field("enhancement", row.enhancement == "none" ? "plain" : row.enhancement);
    json.field("colour", int64_t(colours[i])).key("points");
    curve_points(&json, row.points);
    json.end();
  }
  json.end().key("panels").array();
  for (const ReportPanel& panel : report.panels) panel_data(&json, panel);
  json.end().end();
  return json.text();
}

std::string list(const std::vector<std::string>& items, const char* open) {
  if (items.empty()) return "";
  std::string html = open;
  for (const std::string& item : items) html += "<li>" + escape_markup(item) + "</li>";
  return html + "</ul>";
}

/// Replaces {{name}}; parts are put in as they are, in one pass, so that no part can pull in another.
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

}  // namespace

std::string report_html(const Report& report) {
  const std::vector<size_t> colours = row_colours(report);
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
            "and "
            "procedural images: it shows that the chain works, not what a method is worth.</span></p>"
          : "";
  parts["subtitle"] =
      report.subtitle.empty() ? "" : "<p class=\"subtitle\">" + escape_markup(report.subtitle) + "</p>";
  parts["findings"] = list(report.findings, "<ul class=\"findings\">");
  parts["facts"] = facts.empty() ? "" : "<dl class=\"facts\">" + facts + "</dl>";
  parts["table"] = results_table(report, colours);
  parts["charts"] = froc_charts(report, colours);
  parts["viewer"] = viewer(report);
  parts["extra"] = extras(report);
  parts["provenance"] = provenance(report);
  parts["data"] = script_data(report, colours);
  parts["script"] = kReportScript;
  return fill(kReportTemplate, parts);
}

void write_report(const std::string& path, const Report& report) {
  data::write_text(path, report_html(report));
}

}  // namespace cawe::eval
