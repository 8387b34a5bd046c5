// SPDX-License-Identifier: Apache-2.0
// What a study reads and writes as tables: detections of its rows, results.csv and results.json.
#include <unordered_map>

#include "data/formats/table/csv.h"
#include "report/evaluation.h"
#include "report/results_csv.h"
#include "study/study.h"
#include "tensor/io/atomic_file.h"
#include "tensor/io/header_json.h"

namespace cawe::study {
namespace {

std::vector<report::ResultRow> result_rows(const StudyResult& study) {
  std::vector<report::ResultRow> table;
  for (const StudyRow& row : study.rows) {
    const StudyRow& base = study.baseline(row);
    for (size_t s = 0; s < row.seeds.size(); ++s) {
      report::ResultRow r = report::result_row(row.plan.detector, row.plan.enhancement,
                                               std::to_string(study.settings.seeds[s]), *row.seeds[s]);
      if (&row != &base)
        report::set_differences(&r, eval::compare({base.seeds[s].get()}, {row.seeds[s].get()}));
      table.push_back(r);
    }
  }
  return table;
}

std::string results_json(const StudyResult& study) {
  std::string json = "{\"rows\":[";
  for (size_t i = 0; i < study.rows.size(); ++i) {
    const StudyRow& row = study.rows[i];
    json += std::string(i ? "," : "") + "\n{\"detector\":" + quoted(row.plan.detector) +
            ",\"enhancement\":" + quoted(row.plan.enhancement) + ",\"evaluations\":[";
    for (size_t s = 0; s < row.seeds.size(); ++s)
      json += (s ? "," : "") + report::evaluation_json(*row.seeds[s]);
    json += "]}";
  }
  json += "]";
  if (!study.localisation.empty()) {
    const eval::LocalisationRow& all = study.localisation[0];
    json += detail::concat(
        ",\"map\":{\"pointing\":", all.pointing.value, ",\"pointing_shuffled\":", all.pointing_shuffled.value,
        ",\"pointing_centre\":", all.pointing_centre.value, ",\"energy\":", all.energy.value,
        ",\"energy_shuffled\":", all.energy_shuffled.value,
        ",\"verdict\":", quoted(eval::describe(all.verdict)), "}");
  }
  return json + "}\n";
}

}  // namespace

std::vector<eval::Detection> read_detections(const std::string& path,
                                             const std::vector<eval::TruthImage>& truth) {
  std::unordered_map<std::string, int64_t> image_of;
  for (size_t i = 0; i < truth.size(); ++i) image_of[truth[i].id] = int64_t(i);
  const data::CsvTable table = data::CsvTable::read(path);
  const size_t image = table.column("image"), x = table.column("x"), y = table.column("y"),
               w = table.column("width"), h = table.column("height"), score = table.column("score");
  std::vector<eval::Detection> out;
  for (size_t r = 0; r < table.rows(); ++r) {
    const auto found = image_of.find(table.at(r, image));
    CAWE_CHECK(found != image_of.end(), Code::data, table.where(r), ": image \"", table.at(r, image),
               "\" is not in the test set");
    eval::Detection d;
    d.image = found->second;
    d.box = {table.number(r, x), table.number(r, y), table.number(r, x) + table.number(r, w),
             table.number(r, y) + table.number(r, h)};
    d.score = table.number(r, score);
    out.push_back(d);
  }
  return out;
}

void write_study_tables(const StudyResult& study) {
  report::write_results_csv(study.out + "/results.csv", result_rows(study));
  write_file(study.out + "/results.json", results_json(study));
}

}  // namespace cawe::study
