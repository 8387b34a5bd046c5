// SPDX-License-Identifier: Apache-2.0
// The report's main table.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include "report/charts/svg.h"
#include "report/page/parts.h"
#include "tensor/io/format.h"

namespace cawe::report::page {
namespace {

std::string range(const eval::Interval& i) {
  return std::isnan(i.low) ? "" : fixed_or_dash(i.low, 2) + " to " + fixed_or_dash(i.high, 2);
}

std::string p_markup(double p) { return escape_markup(p_text(p)); }

/// The rule with ">=" as one character.
std::string printed_rule(std::string rule) {
  const size_t at = rule.find(">=");
  if (at != std::string::npos) rule.replace(at, 2, "≥");
  return escape_markup(rule);
}

std::string header_cell(const std::string& name, const std::string& under) {
  return "<th scope=\"col\"><button type=\"button\">" + name + "</button>" +
         (under.empty() ? "" : "<small>" + under + "</small>") + "</th>";
}

/// The means of a row's seeds that are known; empty where it has one seed, whose mean is the row's.
std::vector<double> shown_seeds(const ReportRow& row) {
  std::vector<double> shown;
  if (row.seed_means().size() < 2) return shown;
  for (const double v : row.seed_means())
    if (!std::isnan(v)) shown.push_back(v);
  return shown;
}

/// A forest plot: mean sensitivity and interval on a common scale, a faint dot for each of several seeds below them, where
/// the mean does not hide it; the dashed line is the baseline.
std::string forest(const ReportRow& row, double reference, double low, double high, size_t colour) {
  const auto x = [&](double v) { return fixed_or_dash(4 + 142 * (v - low) / (high - low), 1); };
  std::string svg =
      "<svg class=\"forest\" viewBox=\"0 0 150 22\" aria-hidden=\"true\" style=\"--c:" + svg::colour(colour) +
      "\">";
  if (!std::isnan(reference))
    svg +=
        "<line class=\"ref\" x1=\"" + x(reference) + "\" x2=\"" + x(reference) + "\" y1=\"-8\" y2=\"30\"/>";
  if (!std::isnan(row.mean.low))
    svg += "<line class=\"whisker\" x1=\"" + x(row.mean.low) + "\" x2=\"" + x(row.mean.high) +
           "\" y1=\"11\" y2=\"11\"/>";
  for (const double v : shown_seeds(row))
    svg += "<circle class=\"seed\" cx=\"" + x(v) + "\" cy=\"20\" r=\"2.6\"/>";
  if (!std::isnan(row.mean.value)) svg += "<circle cx=\"" + x(row.mean.value) + "\" cy=\"11\" r=\"4.5\"/>";
  return svg + "</svg>";
}

/// Joins the non-empty parts by dots: the small second line of a cell.
std::string small_line(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts)
    if (!part.empty()) text += (text.empty() ? "" : " · ") + escape_markup(part);
  return text.empty() ? "" : "<small>" + text + "</small>";
}

std::string sens_cell(const ReportRow& row, size_t k) {
  const std::string difference =
      row.baseline ? "baseline"
                   : signed_text(row.delta[k].interval.value) + "<br>p " + p_markup(row.delta[k].p);
  const std::string negatives =
      std::isnan(row.sens_negatives[k]) ? "n/a" : fixed_or_dash(row.sens_negatives[k], 3);
  return "<td data-sort=\"" + csv_number(row.sens[k].value) + "\">" + fixed_or_dash(row.sens[k].value, 3) +
         "<small class=\"ci\">" + range(row.sens[k]) + "</small><small class=\"diff\">" + difference +
         "</small><small class=\"neg\">" + negatives + "</small>" +
         (std::isnan(row.paper[k])
              ? ""
              : "<small class=\"paper\">paper " + fixed_or_dash(row.paper[k], 3) + "</small>") +
         "</td>";
}

/// The operating points of all rows with their score thresholds, collapsed at first.
std::string operating_points(const Report& report) {
  std::string rows, header;
  for (const size_t i : report_order(report.rows)) {
    const ReportRow& row = report.rows[i];
    if (row.operating.empty()) continue;
    if (header.empty())
      for (const eval::SensRow& s : row.operating)
        header += "<th scope=\"col\">" + shortest(s.at.fp) + "</th>";
    rows += "<tr><th scope=\"row\"><b>" + escape_markup(detector_label(row.detector)) + "</b> " +
            escape_markup(method_label(row.enhancement)) + "</th>";
    for (const eval::SensRow& s : row.operating) {
      const std::string from =
          std::isinf(s.at.threshold) ? "no point" : "score ≥ " + fixed_or_dash(s.at.threshold, 3);
      rows += "<td>" + fixed_or_dash(s.at.sensitivity, 3) + "<small>" + from + "</small>" +
              (s.at.curve_ends ? "<small>curve ends at " + fixed_or_dash(s.at.ends_at, 2) + "</small>" : "") +
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

/// The attributes by which the page's filters show or hide an element of this row.
std::string filter_data(const ReportRow& row) {
  return " data-detector=\"" + escape_markup(detector_label(row.detector)) + "\" data-control=\"" +
         (row.control ? "1" : "0") + "\" data-name=\"" +
         escape_markup(detector_label(row.detector) + " " + method_label(row.enhancement) +
                       (row.control ? " control" : "") + (row.baseline ? " baseline" : "")) +
         "\"";
}

/// The last column: what the data support, as a coloured word, sortable from loss to gain.
std::string support_cell(const Report& report, const ReportRow& row) {
  if (row.baseline) return "<td data-sort=\"\">–</td>";
  const Support s = support(claim(report, row));
  const bool gain = s == Support::gain, loss = s == Support::loss;
  return "<td data-sort=\"" +
         std::string(gain   ? "1"
                     : loss ? "-1"
                            : "0") +
         "\"><span class=\"support" +
         (gain   ? " gain"
          : loss ? " loss"
                 : "") +
         "\">" +
         (gain   ? "▲ "
          : loss ? "▼ "
                 : "") +
         support_name(claim(report, row)) + "</span></td>";
}

std::string method_cell(const ReportRow& row, size_t place, bool seeds_differ) {
  const bool several = row.seeds.find(',') != std::string::npos;
  return "<th scope=\"row\" data-sort=\"" + std::to_string(place) + "\"><b>" +
         escape_markup(method_label(row.enhancement)) + "</b>" +
         small_line({detector_label(row.detector), row.baseline ? "baseline" : row_kind(row)}) +
         small_line({seeds_differ ? (several ? "seeds " : "seed ") + row.seeds : ""}) +
         (row.note.empty() ? "" : "<small class=\"note\">" + escape_markup(row.note) + "</small>") + "</th>";
}

std::string difference_cells(const ReportRow& row) {
  if (row.baseline) return "<td data-sort=\"\">–</td><td data-sort=\"\">–</td>";
  const eval::Interval& d = row.delta_mean.interval;
  return "<td data-sort=\"" + csv_number(d.value) + "\">" + signed_text(d.value) + "<small>" +
         signed_text(d.low) + " to " + signed_text(d.high) + "</small></td><td data-sort=\"" +
         csv_number(row.delta_mean.p) + "\">" + p_markup(row.delta_mean.p) +
         (std::isnan(row.p_holm) ? "" : "<small>Holm " + p_markup(row.p_holm) + "</small>") + "</td>";
}

/// What all rows of the table share.
struct TableScale {
  double low = 1, high = 0;                 ///< range of the interval drawings
  std::map<std::string, double> reference;  ///< mean of each detector's baseline
  std::vector<Place> places;                ///< rank of each row among the detector's rows, controls excepted
  std::vector<size_t> colours;
  bool seeds_differ = false;  ///< rows have different seeds; else these are stated once, under the table
  bool seeds_drawn = false;   ///< in the interval drawings of some rows
  bool compared = false;      ///< some rows with a baseline
};

TableScale table_scale(const Report& report) {
  TableScale t;
  t.colours = row_colours(report.rows);
  t.places.resize(report.rows.size());
  std::map<std::string, std::vector<size_t>> rivals;
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const ReportRow& row = report.rows[i];
    if (!std::isnan(row.mean.value)) {
      t.low = std::min({t.low, row.mean.value, std::isnan(row.mean.low) ? 1 : row.mean.low});
      t.high = std::max({t.high, row.mean.value, std::isnan(row.mean.high) ? 0 : row.mean.high});
    }
    for (const double v : shown_seeds(row)) {
      t.low = std::min(t.low, v);
      t.high = std::max(t.high, v);
      t.seeds_drawn = true;
    }
    t.compared = t.compared || !row.baseline;
    t.seeds_differ = t.seeds_differ || row.seeds != report.rows[0].seeds;
    if (row.baseline) t.reference[row.detector] = row.mean.value;
    if (!row.control) rivals[row.detector].push_back(i);
  }
  if (!(t.high > t.low)) t.high = t.low + 0.1;
  for (const auto& group : rivals) {
    std::vector<eval::Interval> means;
    for (const size_t i : group.second) means.push_back(report.rows[i].mean);
    const std::vector<Place> found = places(means);
    for (size_t k = 0; k < found.size(); ++k) t.places[group.second[k]] = found[k];
  }
  return t;
}

/// What the interval drawings have beside means and intervals.
std::string drawing_key(const TableScale& t) {
  const std::string line = t.reference.empty() ? "" : "dashed: baseline";
  const std::string dots = t.seeds_drawn ? "small dots: seeds" : "";
  return line + (line.empty() || dots.empty() ? "" : "<br>") + dots;
}

std::string table_row(const Report& report, size_t index, size_t place, bool first, const TableScale& t) {
  const ReportRow& row = report.rows[index];
  const auto reference = t.reference.find(row.detector);
  const double line =
      reference == t.reference.end() ? std::numeric_limits<double>::quiet_NaN() : reference->second;
  std::string html = "<tr class=\"" + std::string(row.baseline ? "baseline " : "") +
                     (first ? "first-of-group" : "") + "\"" + filter_data(row) + ">" +
                     method_cell(row, place, t.seeds_differ);
  for (size_t k = 0; k < 4; ++k) html += sens_cell(row, k);
  html += "<td data-sort=\"" + csv_number(row.mean.value) + "\"><div class=\"estimate\">" +
          forest(row, line, t.low, t.high, t.colours[index]) + "<div>" + fixed_or_dash(row.mean.value, 3) +
          "<small>" + range(row.mean) + "</small>" +
          (t.places[index].ranked() && report.rows.size() > 1
               ? "<small class=\"rank\">rank " + std::to_string(t.places[index].best) + "</small>"
               : "") +
          "</div></div></td>";
  return html + difference_cells(row) + support_cell(report, row) + "<td data-sort=\"" +
         csv_number(row.map50.value) + "\">" + fixed_or_dash(row.map50.value, 3) + "<small>" +
         range(row.map50) + "</small></td></tr>\n";
}

/// Filters by detector, controls or a word, and the choice of the cells' second line.
std::string filter_bar(const Report& report) {
  std::vector<std::string> detectors;
  bool controls = false;
  for (const size_t i : report_order(report.rows)) {
    const std::string name = detector_label(report.rows[i].detector);
    controls = controls || report.rows[i].control;
    if (std::find(detectors.begin(), detectors.end(), name) == detectors.end()) detectors.push_back(name);
  }
  std::string html = "<div class=\"bar no-print\">";
  if (detectors.size() > 1) {
    html +=
        "<div class=\"segment\" role=\"group\" aria-label=\"detector\"><button type=\"button\" "
        "data-filter-detector=\"\" aria-pressed=\"true\">All</button>";
    for (const std::string& name : detectors)
      html += "<button type=\"button\" data-filter-detector=\"" + escape_markup(name) +
              "\" aria-pressed=\"false\">" + escape_markup(name) + "</button>";
    html += "</div>";
  }
  html +=
      "<label class=\"find\">Filter <input type=\"search\" id=\"filter\" autocomplete=\"off\" "
      "placeholder=\"method\"></label>";
  if (controls)
    html += "<label class=\"check\"><input type=\"checkbox\" id=\"controls\" checked> Controls</label>";
  return html +
         "<span class=\"soft\" id=\"row-count\" role=\"status\"></span><div class=\"segment end\" "
         "role=\"group\" aria-label=\"second line of each cell\"><button type=\"button\" "
         "data-show=\"ci\" aria-pressed=\"true\">Intervals</button><button type=\"button\" "
         "data-show=\"neg\" aria-pressed=\"false\" title=\"the same, with false positives counted on "
         "lesion-free images only\">Lesion-free images</button><button type=\"button\" data-show=\"diff\" "
         "aria-pressed=\"false\">Differences</button></div></div>";
}

/// One sentence for each row.
std::string statements(const Report& report) {
  const std::vector<size_t> colours = row_colours(report.rows);
  std::string items;
  for (const size_t i : report_order(report.rows)) {
    const ReportRow& row = report.rows[i];
    if (row.baseline) continue;
    items += "<li" + filter_data(row) + " style=\"--c:" + svg::colour(colours[i]) + "\">" +
             (row.again      ? "A/A: "
              : row.ablation ? "Ablation: "
              : row.control  ? "Control: "
                             : "") +
             escape_markup(statement(claim(report, row))) + "</li>";
  }
  return items.empty() ? ""
                       : "<h3 class=\"space\">What the data support, row by row</h3><ul class=\"claims\" "
                         "id=\"claims\">" +
                             items + "</ul>";
}

/// What the intervals and p of rows with so many seeds are of.
std::string footing_note(const eval::MethodResult& of, data::FilmUnit unit) {
  const std::string words = data::unit_words(unit);
  const std::string seeds = std::to_string(of.seeds);
  if (of.footing == eval::Footing::weights_only)
    return "One seed: intervals and p are of these weights only, on other " + words + " (bootstrap by " +
           data::unit_word(unit) + ", " + std::to_string(of.draws) +
           " draws). Another seed’s weights differ by more than these intervals say; no sentence here speaks "
           "of a "
           "method.";
  return seeds + " seeds: intervals and p are over seeds and " + words +
         ", both taken as drawn from those that might have been (mixed model, paired by seed and film); "
         "given these "
         "training films and the models that rows share (classifier, colorizer, body), which are trained "
         "once" +
         (of.footing == eval::Footing::few_seeds ? "; too few seeds for a verdict about a method." : ".");
}

/// Of what intervals and p are, how large the corrected family is, and the smallest p that the draws can give.
std::string variance_notes(const Report& report) {
  int64_t family = 1;
  std::map<int64_t, const eval::MethodResult*> by_seeds;
  for (const ReportRow& row : report.rows) {
    family = std::max(family, row.family);
    if (row.own.seeds > 0) by_seeds[row.own.seeds] = &row.own;
  }
  std::string html;
  for (const auto& [seeds, result] : by_seeds)
    html += "<li>" + footing_note(*result, report.rows[0].unit) + "</li>";
  if (!by_seeds.empty() && by_seeds.begin()->second->draws < eval::kFewDraws)
    html += "<li>Intervals are of " + std::to_string(by_seeds.begin()->second->draws) +
            " draws alone (boot.draws): with fewer than " + std::to_string(eval::kFewDraws) +
            " their ends are those of a few draws.</li>";
  if (family == 1) return html;
  html +=
      "<li>Holm’s correction is over the family of " + std::to_string(family) +
      " comparisons of this study with the plain detector, controls and ablations included, A/A rows not.";
  if (const auto one = by_seeds.find(1); one != by_seeds.end())
    html += " The smallest p that " + std::to_string(one->second->draws) + " draws can give is " +
            fixed_or_dash(eval::holm_floor(one->second->draws, 1), 4) + ", corrected " +
            fixed_or_dash(eval::holm_floor(one->second->draws, family), 4) + ".";
  if (!by_seeds.empty() && by_seeds.rbegin()->first > 1)
    html += " With several seeds p is of a t distribution and has no floor of its draws.";
  return html + "</li>";
}

std::string notes_under(const Report& report, const TableScale& t) {
  std::string html = "<ul class=\"under\">";
  const bool ranked =
      std::any_of(t.places.begin(), t.places.end(), [](const Place& p) { return p.ranked(); });
  if (report.rows.size() > 1)
    html +=
        std::string(
            "<li>The interval beside a row says how far its own figure may be off, and is no test: rows "
            "share "
            "their films, so two may differ clearly though their intervals overlap. ") +
        (t.compared ? "What decides is the paired comparison with the plain row (Δ mean, p, data support). "
                    : "") +
        (ranked ? "“rank” stands only at rows whose interval overlaps with no other row's of their detector."
                : "“rank” would stand only at rows whose interval overlaps with no other row's of their "
                  "detector; here "
                  "that is none.") +
        "</li>";
  if (std::any_of(report.rows.begin(), report.rows.end(),
                  [](const ReportRow& r) { return !std::isnan(r.paper[0]); }))
    html +=
        "<li>“paper”: the paper's figure for the row. Its box rule, split and schedule are not stated, so "
        "that a difference to ours has many possible reasons.</li>";
  if (!t.seeds_differ && report.rows[0].seeds.find(',') != std::string::npos)
    html += "<li>Every row is the mean over the seeds " + escape_markup(report.rows[0].seeds) + ".</li>";
  html += variance_notes(report);
  for (const std::string& note : report.table_notes) html += "<li>" + escape_markup(note) + "</li>";
  return html + "</ul>";
}

}  // namespace

std::string fixed_or_dash(double v, int digits) { return std::isnan(v) ? "–" : fixed(v, digits); }

std::string results_section(const Report& report) {
  if (report.rows.empty()) return "";
  const TableScale scale = table_scale(report);
  std::string html =
      "<section id=\"table\"><h2>Sensitivity by method</h2><p class=\"lead\">Share of true lesions found "
      "when on "
      "average 1, 2, 3 or 4 boxes per image are false. A lesion counts as found by the rule: " +
      printed_rule(report.froc_rule) + ". Small figures are " + fixed_or_dash(100 * report.level, 0) +
      " % intervals" +
      (scale.compared ? "; differences and p are paired, against the detector's own baseline" : "") +
      ".</p>" + filter_bar(report) +
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"results\"><table class=\"sortable\" "
      "id=\"results\"><thead><tr>" +
      header_cell("Method", "");
  for (const char* n : {"1", "2", "3", "4"}) html += header_cell(std::string("Sens@") + n, "");
  html += header_cell("Mean of the four", drawing_key(scale)) + header_cell("Δ mean", "paired") +
          header_cell("p", "two-sided") + header_cell("Data support", "") + header_cell("mAP50", "") +
          "</tr></thead><tbody>\n";
  const std::vector<size_t> order = report_order(report.rows);
  for (size_t k = 0; k < order.size(); ++k) {
    const ReportRow& row = report.rows[order[k]];
    const bool first = k == 0 || report.rows[order[k - 1]].detector != row.detector ||
                       report.rows[order[k - 1]].control != row.control;
    html += table_row(report, order[k], k, first, scale);
  }
  return html + "</tbody></table></div>" + notes_under(report, scale) + statements(report) +
         operating_points(report) + "</section>";
}

}  // namespace cawe::report::page
