// SPDX-License-Identifier: Apache-2.0
// Every row against the plain one of its detector, over all seeds; and how often chance alone is called a difference.
#include <algorithm>
#include <cmath>
#include <limits>

#include "report/intervals_table.h"
#include "report/statements.h"
#include "study/study.h"
#include "tensor/io/format.h"
#include "train/detector_recipe.h"

namespace cawe::study {
namespace {

std::vector<const eval::Evaluation*> evaluations(const StudyRow& row) {
  std::vector<const eval::Evaluation*> out;
  for (const auto& e : row.seeds) out.push_back(e.get());
  return out;
}

std::string seeds_text(const std::vector<int64_t>& seeds) {
  std::string out;
  for (const int64_t n : seeds) out += (out.empty() ? "" : ", ") + std::to_string(n);
  return out;
}

/// Whether its difference is one that the study asks about: Holm's correction is over these.
bool in_family(const StudyRow& row) { return !row.is_baseline() && row.plan.kind != RowKind::again; }

report::ReportRow compared_row(const StudyResult& study, const StudyRow& row, int64_t family) {
  const bool is_base = row.is_baseline();
  report::ReportRow r = report::report_row(
      train::detector_title(row.plan.detector), method_name(row.plan.enhancement), evaluations(row),
      is_base ? std::vector<const eval::Evaluation*>{} : evaluations(study.baseline(row)),
      in_family(row) ? family : 1);
  r.seeds = seeds_text(row.plan.seeds);
  r.baseline = is_base;
  r.control = row.plan.kind != RowKind::paper;
  r.ablation = row.plan.kind == RowKind::ablation;
  r.again = row.plan.kind == RowKind::again;
  if (study.settings.paper && row.plan.kind == RowKind::paper)
    r.paper = report::paper_figures(row.plan.detector, row.plan.enhancement);
  if (row.plan.kind == RowKind::paper && train::needs_classifier(row.plan.method) &&
      !study.localisation.empty() && judged(study.localisation[0]) &&
      study.localisation[0].verdict == eval::MapVerdict::uninformative)
    r.note = "uninformative map";
  return r;
}

SameSystem same_system(const StudyResult& study, const StudyRow& again) {
  std::vector<const eval::Evaluation*> runs = evaluations(study.baseline(again));
  for (const auto& e : again.seeds) runs.push_back(e.get());
  return {again.plan.detector,
          eval::same_system_share(runs, eval::kComparedMean, study.settings.options.level,
                                  study.settings.options.seed)};
}

/// Whether the control gives its method's films another person's map alone.
bool shuffles(const RowPlan& plan) {
  return plan.control == "shuffled" ||
         (plan.control == "dose" && plan.overrides == train::Strings{"dose.quality=0"});
}

/// Calls fn(row, control) for every row that fuses its film's map and its control.
template <class Fn>
void for_each_pair(const StudyResult& study, const Fn& fn) {
  for (const StudyRow& control : study.rows)
    for (const StudyRow& row : study.rows)
      if (shuffles(control.plan) && row.plan.kind == RowKind::paper &&
          row.plan.detector == control.plan.detector && row.plan.method == control.plan.method)
        fn(row, control);
}

void compare_with_controls(StudyResult& study) {
  std::vector<double> p;
  int64_t family = 0;
  for_each_pair(study, [&](const StudyRow&, const StudyRow&) { ++family; });
  for_each_pair(study, [&](const StudyRow& row, const StudyRow& control) {
    study.against_controls.push_back({row.plan.detector, row.plan.enhancement, control.plan.enhancement, {}});
    AgainstControl& against = study.against_controls.back();
    against.row =
        report::report_row(train::detector_title(row.plan.detector), method_name(row.plan.enhancement),
                           evaluations(row), evaluations(control), family);
    p.push_back(against.row.delta_mean.p);
  });
  const std::vector<double> corrected = eval::holm(p);
  for (size_t i = 0; i < corrected.size(); ++i) study.against_controls[i].row.p_holm = corrected[i];
}

report::ReportTable table_of(const StudyResult& study) {
  report::ReportTable t;
  t.title = "Does it matter where the map points?";
  t.caption =
      "Each row that fuses a map against the same row with the maps of other " +
      data::unit_words(study.data.unit) +
      ": difference of the mean of "
      "Sens@1, 2, 3, 4, paired by seed and film; p corrected over these comparisons. Where no difference is "
      "shown, this study does not tell whether the map's place matters.";
  t.header = {"row", "control", "difference", "interval", "corrected p", "data support"};
  for (const AgainstControl& a : study.against_controls) {
    const eval::Interval& d = a.row.delta_mean.interval;
    t.rows.push_back({a.row.detector + ", " + a.row.enhancement, method_name(a.control),
                      report::signed_text(d.value),
                      report::signed_text(d.low) + " to " + report::signed_text(d.high),
                      report::p_text(a.row.p_holm), report::support_name(report::claim_of(a.row))});
  }
  return t;
}

}  // namespace

void compare_rows(StudyResult& study) {
  const int64_t family = std::count_if(study.rows.begin(), study.rows.end(), in_family);
  std::vector<double> p;
  for (const StudyRow& row : study.rows) {
    study.compared.push_back(compared_row(study, row, std::max<int64_t>(family, 1)));
    p.push_back(in_family(row) ? study.compared.back().delta_mean.p
                               : std::numeric_limits<double>::quiet_NaN());
    if (row.plan.kind == RowKind::again) study.same_system.push_back(same_system(study, row));
  }
  const std::vector<double> corrected = eval::holm(p);
  for (size_t i = 0; i < corrected.size(); ++i) study.compared[i].p_holm = corrected[i];
  compare_with_controls(study);
  if (!study.against_controls.empty()) study.tables.push_back(table_of(study));
  std::vector<report::IntervalsLine> lines;
  for (size_t i = 0; i < study.rows.size(); ++i)
    lines.push_back({full_name(study.rows[i].plan), &study.compared[i]});
  const report::ReportTable intervals = report::intervals_table(lines);
  if (!intervals.rows.empty()) study.tables.push_back(intervals);
}

}  // namespace cawe::study
