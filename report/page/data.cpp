// SPDX-License-Identifier: Apache-2.0
// From evaluations to the report's rows and boxes.
#include <algorithm>

#include "report/page/page.h"
#include "tensor/error.h"

namespace cawe::report {

ReportRow report_row(const std::string& detector, const std::string& enhancement,
                     const std::vector<const eval::Evaluation*>& seeds,
                     const std::vector<const eval::Evaluation*>& baseline, int64_t family) {
  CAWE_CHECK(!seeds.empty(), Code::internal, "report: row ", detector, " ", enhancement,
             " has no evaluation");
  ReportRow row;
  row.detector = detector;
  row.enhancement = enhancement;
  row.family = family;
  eval::MethodOptions options;
  options.level = seeds[0]->options.level;
  options.family = family;
  row.own = eval::method_figures(seeds, options);
  for (size_t k = 0; k < 4; ++k) row.sens[k] = shown_interval(row.own.figures[k], row.own.footing);
  row.mean = shown_interval(row.own.figures[eval::kComparedMean], row.own.footing);
  row.map50 = shown_interval(row.own.figures[eval::kComparedMap50], row.own.footing);
  row.line = froc_line(enhancement, seeds);
  row.unit = seeds[0]->unit;
  for (const eval::Evaluation* e : seeds) {
    row.seed_sens.emplace_back();
    for (size_t k = 0; k < 4; ++k) row.seed_sens.back()[k] = e->at(eval::paper_fps()[k]).interval.value;
  }
  row.points = seeds[0]->curve.points;
  row.operating = seeds[0]->sens;
  for (size_t k = 0; k < 4; ++k) {
    row.sens_negatives[k] = 0;
    for (const eval::Evaluation* e : seeds)
      row.sens_negatives[k] += e->at(eval::paper_fps()[k]).negatives.sensitivity / double(seeds.size());
  }
  row.baseline = baseline.empty();
  if (!baseline.empty()) {
    row.difference = eval::compare_methods(baseline, seeds, options);
    for (size_t k = 0; k < 4; ++k)
      row.delta[k] = verdict_figure(row.difference.figures[k], row.difference.footing);
    row.delta_mean = verdict_figure(row.difference.figures[eval::kComparedMean], row.difference.footing);
  }
  return row;
}

Claim claim_of(const ReportRow& row) {
  Claim claim;
  claim.difference = row.delta_mean;
  claim.p_holm = row.p_holm;
  claim.level = row.own.options.level;
  claim.seeds = std::max<int64_t>(row.own.seeds, 1);
  claim.family = row.family;
  claim.draws = row.own.draws;
  claim.unit = row.unit;
  return claim;
}

std::vector<ReportBox> report_boxes(const eval::TruthImage& truth, std::vector<eval::Detection> detections,
                                    const eval::FrocOptions& options) {
  for (eval::Detection& d : detections) d.image = 0;
  std::stable_sort(detections.begin(), detections.end(),
                   [](const eval::Detection& a, const eval::Detection& b) { return a.score > b.score; });
  const eval::FrocData data = eval::judge({truth}, detections, options);  // keeps the order of a sorted list
  std::vector<ReportBox> boxes;
  for (size_t i = 0; i < detections.size(); ++i) {
    const bool hit = data.judged[i].found > 0;
    boxes.push_back({detections[i].box, detections[i].score, hit, !hit && !data.judged[i].false_positive});
  }
  return boxes;
}

}  // namespace cawe::report
