// SPDX-License-Identifier: Apache-2.0
// The study's table as CSV.
#include "report/results_csv.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"

namespace cawe::report {
namespace {

/// Index in the paper's Table 1, 0 … 11; 12 for control rows.
size_t paper_place(const ResultRow& row) {
  const std::vector<std::string> detectors = {"faster_rcnn", "retinanet"};
  const std::vector<std::string> methods = {"none", "afda", "medga", "color", "cawe", "color+cawe"};
  const size_t d = size_t(std::find(detectors.begin(), detectors.end(), row.detector) - detectors.begin());
  const size_t m = size_t(std::find(methods.begin(), methods.end(), row.enhancement) - methods.begin());
  return d == detectors.size() || m == methods.size() ? 12 : d * methods.size() + m;
}

}  // namespace

ResultRow::ResultRow() {
  delta.fill(std::numeric_limits<double>::quiet_NaN());
  p = delta;
  p_holm = delta[0];
}

ResultRow result_row(const std::string& detector, const std::string& enhancement, const std::string& seed,
                     const eval::Evaluation& e) {
  ResultRow row;
  row.detector = detector;
  row.enhancement = enhancement;
  row.seed = seed;
  for (size_t k = 0; k < 4; ++k) row.sens[k] = e.at(eval::paper_fps()[k]).interval;
  row.mean = e.mean_paper.value;
  row.map50 = e.map50.value;
  row.froc_rule = rule_key(e.options.froc);
  row.images = e.images;
  row.units = e.patients;
  row.unit = e.unit;
  row.lesions = e.lesions;
  return row;
}

void set_differences(ResultRow* row, const std::vector<eval::Difference>& differences) {
  CAWE_CHECK(differences.size() >= 4, Code::internal, "results.csv: ", differences.size(),
             " differences (expected at least 4)");
  for (size_t k = 0; k < 4; ++k) {
    row->delta[k] = differences[k].interval.value;
    row->p[k] = differences[k].p;
  }
}

std::string rule_key(const eval::FrocOptions& options) {
  std::string rule = options.rule == eval::FrocRule::iou      ? "iou>=" + shortest(options.threshold)
                     : options.rule == eval::FrocRule::centre ? "centre"
                     : options.rule == eval::FrocRule::iobb   ? "iobb>=" + shortest(options.threshold)
                     : options.rule == eval::FrocRule::overlap_or_centre
                         ? "overlap_or_centre>=" + shortest(options.threshold)
                         : "deeplesion";
  rule += options.duplicates == eval::Duplicates::ignore ? ";duplicates=ignore" : ";duplicates=fp";
  return rule + (options.mode == eval::SensMode::step     ? ";step"
                 : options.mode == eval::SensMode::linear ? ";linear"
                                                          : ";raw");
}

std::vector<ResultRow> paper_order(std::vector<ResultRow> rows) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const ResultRow& a, const ResultRow& b) { return paper_place(a) < paper_place(b); });
  return rows;
}

std::string results_csv(const std::vector<ResultRow>& rows) {
  std::vector<std::string> header = {"detector", "enhancement", "seed"};
  for (const char* n : {"1", "2", "3", "4"}) header.push_back(std::string("sens@") + n);
  for (const char* n : {"1", "2", "3", "4"}) {
    header.push_back(std::string("ci_low@") + n);
    header.push_back(std::string("ci_high@") + n);
  }
  for (const char* n : {"1", "2", "3", "4"}) {
    header.push_back(std::string("delta@") + n);
    header.push_back(std::string("p@") + n);
  }
  for (const char* name : {"map50", "froc_rule", "images", "patients", "lesions", "mean", "p_holm", "seeds",
                           "family", "split_unit", "units"})
    header.emplace_back(name);
  std::string text = csv_line(header);
  for (const ResultRow& row : paper_order(rows)) {
    std::vector<std::string> fields = {row.detector, row.enhancement, row.seed};
    for (const eval::Interval& s : row.sens) fields.push_back(csv_number(s.value));
    for (const eval::Interval& s : row.sens) {
      fields.push_back(csv_number(s.low));
      fields.push_back(csv_number(s.high));
    }
    for (size_t k = 0; k < 4; ++k) {
      fields.push_back(csv_number(row.delta[k]));
      fields.push_back(csv_number(row.p[k]));
    }
    fields.push_back(csv_number(row.map50));
    fields.push_back(row.froc_rule);
    const std::string units = std::to_string(row.units);
    for (const std::string& field :
         {std::to_string(row.images), row.unit == data::FilmUnit::patient ? units : std::string(),
          std::to_string(row.lesions), csv_number(row.mean), csv_number(row.p_holm),
          std::to_string(row.seeds), row.family, std::string(data::unit_key(row.unit)), units})
      fields.push_back(field);
    text += csv_line(fields);
  }
  return text;
}

void write_results_csv(const std::string& path, const std::vector<ResultRow>& rows) {
  write_file(path, results_csv(rows));
}

}  // namespace cawe::report
