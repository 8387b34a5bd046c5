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
};

/// What the rows' scores are, since ranks have no calibration.
enum class ScoresAre { given, ranks };

/// Each cell is the mean over the row's seeds: with one seed and its interval over patients, with several and the standard
/// deviation between seeds. A figure that is undefined in a seed is a dash; the caption says why.
ReportTable further_table(const std::vector<FurtherLine>& lines, ScoresAre scores);
/// detector,enhancement,figure,seeds,undefined_seeds,value,ci_low,ci_high,sd_seeds: a line for each row and each of wafroc,
/// jafroc, froc_area_4 (area to 4 false positives per image, divided by 4), lroc_area, mean_sens, mean_sens_lenient (second
/// rule), lenient_gain (their difference), ece (bins of equal width). ci_low and ci_high: of one seed, over patients;
/// sd_seeds: of several, n - 1 in the divisor. What is undefined is empty.
std::string further_csv(const std::vector<FurtherLine>& lines, ScoresAre scores);

}  // namespace cawe::report
