// SPDX-License-Identifier: Apache-2.0
// What a study reads and writes as tables: detections of its rows, results.csv and results.json.
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "data/formats/table/csv.h"
#include "report/evaluation.h"
#include "report/methods_csv.h"
#include "report/results_csv.h"
#include "study/study.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"
#include "train/detector.h"

namespace cawe::study {
namespace {

/// Where a film stands in the test set, by its name.
class Places {
 public:
  explicit Places(const std::vector<eval::TruthImage>& truth) {
    for (size_t i = 0; i < truth.size(); ++i) place_[truth[i].id] = int64_t(i);
  }
  int64_t of(const std::string& image, const std::string& where) const {
    const auto found = place_.find(image);
    CAWE_CHECK(found != place_.end(), Code::data, where, ": image \"", image, "\" is not in the test set");
    return found->second;
  }

 private:
  std::unordered_map<std::string, int64_t> place_;
};

std::vector<report::ResultRow> result_rows(const StudyResult& study) {
  std::vector<report::ResultRow> table;
  for (size_t i = 0; i < study.rows.size(); ++i) {
    const StudyRow& row = study.rows[i];
    const StudyRow& base = study.baseline(row);
    for (size_t s = 0; s < row.seeds.size(); ++s) {
      report::ResultRow r = report::result_row(row.plan.detector, row.plan.enhancement,
                                               std::to_string(row.plan.seeds[s]), *row.seeds[s]);
      if (&row != &base)
        report::set_differences(&r, eval::compare({base.seeds[s].get()}, {row.seeds[s].get()}));
      r.p_holm = study.compared[i].p_holm;
      r.seeds = int64_t(row.seeds.size());
      if (!std::isnan(r.p_holm))
        r.family = std::to_string(study.compared[i].family) + " comparisons with plain";
      table.push_back(r);
    }
  }
  return table;
}

std::string kind_name(const StudyRow& row) {
  switch (row.plan.kind) {
    case RowKind::paper:
      return row.is_baseline() ? "baseline" : "method";
    case RowKind::control:
      return "control";
    case RowKind::again:
      return "again";
    case RowKind::ablation:
      return "ablation";
  }
  return "";
}

std::string methods_csv(const StudyResult& study) {
  std::vector<report::MethodLine> lines;
  for (size_t i = 0; i < study.rows.size(); ++i)
    lines.push_back({study.rows[i].plan.detector, study.rows[i].plan.enhancement, kind_name(study.rows[i]),
                     &study.compared[i]});
  for (const AgainstControl& a : study.against_controls)
    lines.push_back({a.detector, a.method + " - " + a.control, "against_control", &a.row});
  return report::methods_csv(lines);
}

std::string same_system_csv(const StudyResult& study) {
  std::string text = csv_line({"detector", "pairs", "pairs_different", "pair_share", "deals",
                               "deals_different", "deal_share", "every_deal"});
  for (const SameSystem& same : study.same_system) {
    const eval::SameSystemShare& s = same.share;
    text += csv_line({same.detector, std::to_string(s.pairs), std::to_string(s.pairs_different),
                      csv_number(s.pair_share()), std::to_string(s.deals), std::to_string(s.deals_different),
                      csv_number(s.deal_share()), s.every_deal ? "1" : "0"});
  }
  return text;
}

std::string results_json(const StudyResult& study) {
  Json json{{"rows", Json::array()}};
  for (const StudyRow& row : study.rows) {
    Json evaluations = Json::array();
    for (const auto& seed : row.seeds) evaluations.push_back(json_ready(report::evaluation_json(*seed)));
    json["rows"].push_back({{"detector", row.plan.detector},
                            {"enhancement", row.plan.enhancement},
                            {"evaluations", evaluations}});
  }
  if (!study.localisation.empty()) {
    const eval::LocalisationRow& all = study.localisation[0];
    json["map"] = {{"pointing", json_rounded(all.pointing.value, 6)},
                   {"pointing_shuffled", json_rounded(all.pointing_shuffled.value, 6)},
                   {"pointing_centre", json_rounded(all.pointing_centre.value, 6)},
                   {"energy", json_rounded(all.energy.value, 6)},
                   {"energy_shuffled", json_rounded(all.energy_shuffled.value, 6)},
                   {"verdict", judged(all) ? Json(eval::describe(all.verdict)) : Json(nullptr)}};
  }
  return json_text(json, JsonLayout::lines) + "\n";
}

}  // namespace

std::vector<eval::Detection> detections_on(const std::vector<std::vector<train::FoundBox>>& found,
                                           const std::vector<eval::TruthImage>& truth) {
  const Places places(truth);
  std::vector<eval::Detection> out;
  for (const auto& image : found)
    for (const train::FoundBox& b : image)
      out.push_back(
          {places.of(b.image, "a detector"), {b.x, b.y, b.x + b.width, b.y + b.height}, b.score, 0});
  return out;
}

std::vector<eval::Detection> read_detections(const std::string& path,
                                             const std::vector<eval::TruthImage>& truth) {
  const Places places(truth);
  const data::CsvTable table = data::CsvTable::read(path);
  const size_t image = table.column("image"), x = table.column("x"), y = table.column("y"),
               w = table.column("width"), h = table.column("height"), score = table.column("score");
  std::vector<eval::Detection> out;
  for (size_t r = 0; r < table.rows(); ++r) {
    eval::Detection d;
    d.image = places.of(table.at(r, image), table.where(r));
    d.box = {table.number(r, x), table.number(r, y), table.number(r, x) + table.number(r, w),
             table.number(r, y) + table.number(r, h)};
    d.score = table.number(r, score);
    out.push_back(d);
  }
  return out;
}

void write_study_tables(const StudyResult& study) {
  report::write_results_csv(study.out + "/results.csv", result_rows(study));
  write_file(study.out + "/methods.csv", methods_csv(study));
  write_file(study.out + "/same_system.csv", same_system_csv(study));
  write_file(study.out + "/results.json", results_json(study));
}

}  // namespace cawe::study
