// SPDX-License-Identifier: Apache-2.0
// results.csv of a study: one line for each detector, enhancement and seed, in the order of the paper's Table
// 1.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "eval/evaluate.h"

namespace cawe::report {

/// Figures at 1, 2, 3 and 4 false positives per image. NaN is written as an empty field, as are the
/// differences of a baseline row.
struct ResultRow {
  std::string detector;     ///< faster_rcnn, retinanet
  std::string enhancement;  ///< none, afda, medga, color, cawe, color+cawe, or a control's name
  std::string seed;         ///< a number
  std::array<eval::Interval, 4> sens;
  std::array<double, 4> delta, p;  ///< of this seed's weights alone, over patients: no verdict goes by them
  double map50 = 0;
  std::string froc_rule;
  int64_t images = 0, units = 0, lesions = 0;
  data::FilmUnit unit = data::FilmUnit::patient;  ///< what `units` counts
  double mean = 0;                                ///< of the four sensitivities
  double p_holm;       ///< of the row's mean over all its seeds, corrected over the study's comparisons
  int64_t seeds = 1;   ///< of the row
  std::string family;  ///< what p_holm is corrected over; empty for rows outside
  ResultRow();
};

/// A row from an evaluation, without differences.
ResultRow result_row(const std::string& detector, const std::string& enhancement, const std::string& seed,
                     const eval::Evaluation& evaluation);
/// Sets delta and p from compare(baseline, this).
void set_differences(ResultRow* row, const std::vector<eval::Difference>& differences);

/// "iou>=0.5;duplicates=ignore;step": the rule without commas, for tables.
std::string rule_key(const eval::FrocOptions& options);

/// faster_rcnn before retinanet, each none, afda, medga, color, cawe, color+cawe; everything else after, in
/// the given order.
std::vector<ResultRow> paper_order(std::vector<ResultRow> rows);

/// The file's text; columns exactly
/// detector,enhancement,seed,sens@1…4,ci_low@1,ci_high@1…,delta@1,p@1…,map50,
/// froc_rule,images,patients,lesions,mean,p_holm,seeds,family,split_unit,units (patients is empty where the unit is
/// another). delta@N and p@N are of the line's own seed against the plain row's same one, over patients, uncorrected; p_holm is
/// the row's, over all its seeds, and what its verdict goes by. Rows are put in the paper's order.
std::string results_csv(const std::vector<ResultRow>& rows);
/// Writes it whole or not at all.
void write_results_csv(const std::string& path, const std::vector<ResultRow>& rows);

}  // namespace cawe::report
