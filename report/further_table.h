// SPDX-License-Identifier: Apache-2.0
// Figures beside Sens@N and mAP50 (eval/further.h) of all rows of a study: a table of the page, and further.csv.
#pragma once

#include <string>
#include <vector>

#include "eval/evaluate.h"
#include "report/page/page.h"

namespace cawe::report {

/// A row of a study, one evaluation for each of its seeds.
struct FurtherLine {
  std::string detector, enhancement;  ///< as results.csv names them
  std::string label;                  ///< as the page does
  std::vector<const eval::Evaluation*> seeds;
  std::vector<const eval::Evaluation*>
      plain;  ///< of the same seeds, of the row that it is compared with; empty: with none
};

/// What the rows' scores are, since ranks have no calibration.
enum class ScoresAre { given, ranks };

/// Each cell is the mean over the row's seeds with an interval: of one seed over patients, of several the mixed model's
/// (eval/seed_figures.h). A figure that is undefined in a seed is a dash; the caption says why. Intervals end
/// at 0 and at the largest value that a figure can have; further.csv has them as they come. The second rule's difference to
/// the plain row has a column where rows are compared. What is found at a threshold that was fixed on validation films has
/// columns where any row has one.
ReportTable further_table(const std::vector<FurtherLine>& lines, ScoresAre scores);
/// detector,enhancement,figure,seeds,undefined_seeds,value,ci_low,ci_high,sd_seeds,delta,delta_low,delta_high,by_seed: a line
/// for each row and each of wafroc, jafroc, froc_area_4 (area to 4 false positives per image, divided by 4), lroc_area,
/// mean_sens, mean_sens_lenient (second rule), lenient_gain (their difference, without an interval), ece (bins of equal width), sens_at_threshold and
/// fp_at_threshold (at the threshold fixed on validation films). ci_low and ci_high: of one seed over patients, of several
/// the mixed model's; sd_seeds: of several, n - 1 in the divisor; delta: minus the plain row, with the interval of the
/// differences that are paired by seed and film, which nothing corrects; by_seed: the values, with blanks between them.
/// What is undefined is empty.
std::string further_csv(const std::vector<FurtherLine>& lines, ScoresAre scores);

}  // namespace cawe::report
