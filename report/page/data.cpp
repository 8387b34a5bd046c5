// SPDX-License-Identifier: Apache-2.0
// From evaluations to the report's rows and boxes.
#include <algorithm>

#include "report/page/page.h"
#include "tensor/error.h"

namespace cawe::report {
namespace {

/// Mean of one figure over seeds, for each draw and for the whole set.
eval::Interval mean_interval(const std::vector<const eval::Evaluation*>& seeds, size_t figure, double value) {
  std::vector<double> drawn(seeds[0]->drawn[figure].size(), 0.0);
  for (const eval::Evaluation* e : seeds) {
    CAWE_CHECK(e->drawn[figure].size() == drawn.size(), Code::internal, "report: seeds with different draws");
    for (size_t b = 0; b < drawn.size(); ++b) drawn[b] += e->drawn[figure][b] / double(seeds.size());
  }
  return eval::percentile_interval(value, drawn, seeds[0]->options.level);
}

}  // namespace

ReportRow report_row(const std::string& detector, const std::string& enhancement,
                     const std::vector<const eval::Evaluation*>& seeds,
                     const std::vector<const eval::Evaluation*>& baseline) {
  CAWE_CHECK(!seeds.empty(), Code::internal, "report: row ", detector, " ", enhancement,
             " has no evaluation");
  ReportRow row;
  row.detector = detector;
  row.enhancement = enhancement;
  row.unit = seeds[0]->unit;
  std::array<double, 6> value{};
  for (const eval::Evaluation* e : seeds) {
    for (size_t k = 0; k < 4; ++k)
      value[k] += e->at(eval::paper_fps()[k]).interval.value / double(seeds.size());
    value[4] += e->mean_paper.value / double(seeds.size());
    value[5] += e->map50.value / double(seeds.size());
  }
  for (size_t k = 0; k < 4; ++k) row.sens[k] = mean_interval(seeds, k, value[k]);
  row.mean = mean_interval(seeds, 4, value[4]);
  row.map50 = mean_interval(seeds, 5, value[5]);
  row.line = froc_line(enhancement, *seeds[0]);
  row.points = seeds[0]->curve.points;
  row.operating = seeds[0]->sens;
  for (size_t k = 0; k < 4; ++k) {
    row.sens_negatives[k] = 0;
    for (const eval::Evaluation* e : seeds)
      row.sens_negatives[k] += e->at(eval::paper_fps()[k]).negatives.sensitivity / double(seeds.size());
  }
  row.baseline = baseline.empty();
  if (!baseline.empty()) {
    const std::vector<eval::Difference> differences = eval::compare(baseline, seeds);
    std::copy_n(differences.begin(), 4, row.delta.begin());
    row.delta_mean = differences[4];
  }
  return row;
}

std::vector<ReportBox> report_boxes(const eval::TruthImage& truth, std::vector<eval::Detection> detections,
                                    const eval::FrocOptions& options) {
  for (eval::Detection& d : detections) d.image = 0;
  std::stable_sort(detections.begin(), detections.end(),
                   [](const eval::Detection& a, const eval::Detection& b) { return a.score > b.score; });
  const eval::FrocData data = eval::judge({truth}, detections, options);  // keeps the order of a sorted list
  std::vector<ReportBox> boxes;
  for (size_t i = 0; i < detections.size(); ++i)
    boxes.push_back({detections[i].box, detections[i].score, data.judged[i].found > 0});
  return boxes;
}

}  // namespace cawe::report
