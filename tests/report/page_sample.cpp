// SPDX-License-Identifier: Apache-2.0
// Writes the made-up report to the path given, with as many films as asked, and beside it (.json) the figures
// that the page must show: what the browser test opens and compares with.
#include <cstdio>
#include <cstdlib>

#include "data/formats/json/writer.h"
#include "data/formats/table/csv.h"
#include "tests/report/made_up_report.h"

namespace cawe::report {
namespace {

void interval(data::JsonWriter* json, const eval::Interval& i) {
  json->array().value(i.value).value(i.low).value(i.high).end();
}

std::string figures_json(const Report& report) {
  data::JsonWriter json;
  json.object().key("rows").array();
  for (const ReportRow& row : report.rows) {
    json.object().field("detector", row.detector).field("enhancement", row.enhancement);
    json.field("baseline", row.baseline).field("control", row.control).key("sens").array();
    for (const eval::Interval& i : row.sens) interval(&json, i);
    json.end().key("negatives").array();
    for (const double v : row.sens_negatives) json.value(v);
    json.end().key("mean");
    interval(&json, row.mean);
    json.key("delta");
    interval(&json, row.delta_mean.interval);
    json.field("p", row.delta_mean.p).field("holm", row.p_holm).field("map50", row.map50.value);
    json.key("points").array();
    for (const eval::FrocPoint& p : row.points)
      json.array()
          .value(p.threshold)
          .value(p.fp_per_image)
          .value(p.sensitivity)
          .value(p.fp_per_negative)
          .end();
    json.end().end();
  }
  json.end().key("figures").array();
  for (const Figure& figure : report.figures)
    json.object().field("name", figure.name).field("svg", figure.svg).field("csv", figure.csv).end();
  json.end().end();
  return json.text();
}

}  // namespace
}  // namespace cawe::report

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: page_sample OUT.html [FILMS]\n");
    return 2;
  }
  const cawe::report::Report report =
      cawe::report::testing::made_up_report(argc == 3 ? size_t(std::atoi(argv[2])) : 5);
  cawe::report::write_report(argv[1], report);
  cawe::data::write_text(std::string(argv[1]) + ".json", cawe::report::figures_json(report));
  return 0;
}
