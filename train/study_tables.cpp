// SPDX-License-Identifier: Apache-2.0
// results.csv and results.json of a study.
#include "eval/results_csv.h"
#include "tensor/io/atomic_file.h"
#include "tensor/io/header_json.h"
#include "train/study.h"

namespace cawe::train {
namespace {

std::vector<eval::ResultRow> result_rows(const StudyResult& study) {
  std::vector<eval::ResultRow> table;
  for (const StudyRow& row : study.rows) {
    const StudyRow& base = study.baseline(row);
    for (size_t s = 0; s < row.seeds.size(); ++s) {
      eval::ResultRow r = eval::result_row(row.plan.detector, row.plan.enhancement,
                                           std::to_string(study.settings.seeds[s]), *row.seeds[s]);
      if (&row != &base)
        eval::set_differences(&r, eval::compare({base.seeds[s].get()}, {row.seeds[s].get()}));
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
      json += (s ? "," : "") + eval::evaluation_json(*row.seeds[s]);
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

void write_study_tables(const StudyResult& study) {
  eval::write_results_csv(study.out + "/results.csv", result_rows(study));
  write_file(study.out + "/results.json", results_json(study));
}

}  // namespace cawe::train
