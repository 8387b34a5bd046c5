// SPDX-License-Identifier: Apache-2.0
// Writes the made-up report to the path given, with as many films as asked, and beside it (.json) the figures
// that the page must show: what the browser test opens and compares with.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tensor/io/files.h"
#include "tensor/io/json.h"
#include "tests/report/made_up_report.h"

namespace cawe::report {
namespace {

Json interval(const eval::Interval& i) { return Json::array({i.value, i.low, i.high}); }

std::string figures_json(const Report& report, const testing::SeedCurves& curves) {
  Json rows = Json::array(), figures = Json::array();
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const ReportRow& row = report.rows[i];
    Json sens = Json::array(), seeds = Json::array();
    for (const eval::Interval& at : row.sens) sens.push_back(interval(at));
    for (const std::vector<eval::FrocPoint>& curve : curves[i]) {
      seeds.push_back(Json::array());
      for (const eval::FrocPoint& p : curve)
        seeds.back().push_back(Json::array({p.threshold, p.fp_per_image, p.sensitivity, p.fp_per_negative}));
    }
    rows.push_back({{"detector", row.detector},
                    {"enhancement", row.enhancement},
                    {"baseline", row.baseline},
                    {"control", row.control},
                    {"sens", sens},
                    {"negatives", row.sens_negatives},
                    {"mean", interval(row.mean)},
                    {"delta", interval(row.delta_mean.interval)},
                    {"p", row.delta_mean.p},
                    {"holm", row.p_holm},
                    {"map50", row.map50.value},
                    {"seeds", seeds}});
  }
  for (const Figure& figure : report.figures)
    figures.push_back({{"name", figure.name},
                       {"svg", figure.svg},
                       {"csv", figure.csv},
                       {"other_name", figure.other_name},
                       {"other_svg", figure.other_svg}});
  return json_text({{"rows", rows}, {"figures", figures}});
}

/// The same of one detector, plain, with a form of the map that is no product, plain again with other seeds, and a control
/// with a long name; all films have lesions.
Report one_form(Report report) {
  size_t plain = report.rows.size(), mapped = plain;
  for (size_t i = 0; i < report.rows.size(); ++i) {
    if (report.rows[i].detector != report.rows[0].detector) continue;
    if (report.rows[i].baseline) plain = i;
    if (report.rows[i].enhancement == "cawe") mapped = i;
  }
  std::vector<ReportRow> rows{report.rows[plain], report.rows[mapped], report.rows[plain]};
  rows[1].enhancement = "CAWE lift";
  rows[2].enhancement = "plain, other seeds";
  rows[2].baseline = false;
  rows[2].control = rows[2].again = true;
  rows.push_back(rows[1]);
  rows[3].enhancement = "shuffled map, CAWE as a channel";
  rows[3].control = true;
  for (ReportRow& row : rows) {
    row.line.negative_points.clear();
    row.sens_negatives.fill(std::nan(""));
  }
  report.rows = rows;
  report.figures = {figure_froc(rows)};
  for (ReportPanel& panel : report.panels) {
    panel.predictions = {panel.predictions[plain], panel.predictions[mapped], panel.predictions[plain]};
    panel.pictures = {panel.pictures[0], {"CAWE lift", panel.pictures[0].png}};
  }
  return report;
}

/// A film, and nothing else that a page may have.
Report bare() {
  Report report;
  report.title = "One film";
  report.panels = {testing::made_up_panel(testing::made_up_truth()[2], 2, {}, {})};
  report.panels[0].pictures.resize(1);
  report.panels[0].map_png.clear();
  return report;
}

/// Names of films without a place to break a line, wherever a page may have one.
void add_long_names(Report* report) {
  const std::string film = "1.2.276.0.7230010.3.1.4.8323329.28530.1517874485.775526";
  if (!report->panels.empty()) report->panels[0].title = film;
  report->title += " " + film;
  report->subtitle += " " + film;
  report->warnings = {film};
  report->findings.push_back("A film: " + film + ".");
  report->facts.emplace_back("a film", film);
  report->table_notes.push_back(film);
  report->tables[0].title += " " + film;
  report->tables[0].caption += " " + film;
  report->tables[0].rows.push_back({film, "–", "–", film});
  report->figures[0].title += " " + film;
  report->figures[0].caption += " " + film;
  report->recipe += "# " + film + "\n";
  report->environment.emplace_back("sha256." + film, film);
}

}  // namespace
}  // namespace cawe::report

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: page_sample OUT.html [FILMS | one_form | bare]\n");
    return 2;
  }
  const std::string kind = argc == 3 ? argv[2] : "";
  if (kind == "bare") {
    cawe::report::write_report(argv[1], cawe::report::bare());
    return 0;
  }
  cawe::report::testing::SeedCurves curves;
  const size_t films = kind.empty() || kind == "one_form" ? 5 : size_t(std::atoi(argv[2]));
  cawe::report::Report report = cawe::report::testing::made_up_report(films, &curves);
  if (kind == "one_form") {
    cawe::report::write_report(argv[1], cawe::report::one_form(report));
    return 0;
  }
  cawe::report::add_long_names(&report);
  cawe::report::write_report(argv[1], report);
  cawe::write_file(std::string(argv[1]) + ".json", cawe::report::figures_json(report, curves));
  return 0;
}
