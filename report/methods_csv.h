// SPDX-License-Identifier: Apache-2.0
// methods.csv of a study: what all seeds of a row say together, one line for each row, the mean of Sens@1, 2, 3, 4 being
// the figure. `cawe plan power` reads it.
#pragma once

#include <string>
#include <vector>

#include "report/page/page.h"

namespace cawe::report {

/// Its columns, in this order. Differences, their tests and variances are empty for the rows that others are compared
/// with; what is not defined with one seed is empty.
/// detector,enhancement,kind       kind: baseline, method, control, ablation, again (A/A); against_control: a method
///                                 against its control instead of plain, a family of its own, "METHOD - CONTROL"
/// seeds,footing                   footing: weights_only, few_seeds, method
/// mean,low,high,sd_seeds          of the row: interval as the report shows it; standard deviation between seeds
/// delta,delta_low,delta_high,p    against the plain row: what the verdict goes by
/// p_holm,family,verdict           corrected over so many comparisons; gain, loss, none, no_verdict, undefined
/// patients_low,patients_high,p_patients    over patients, these weights given
/// films_fixed_low,films_fixed_high         t over seeds, these films given
/// two_level_low,two_level_high             two-level bootstrap, plain percentiles
/// calibrated_low,calibrated_high           its draws at the mixed model's width
/// standard_error,df,var_seeds,var_patients,var_rest    of the mixed model; of one seed the deviation and variance over patients
/// minimum_detectable                       the true difference that 80 of 100 such studies would show, tested at .05 / family
/// units,lesions,draws    units: patients, images or groups of films (split_unit)
/// by_seed,split_unit              the row's values, by seed, with blanks between them
struct MethodLine {
  std::string detector, enhancement, kind;  ///< as results.csv names them
  const ReportRow* row = nullptr;
};
std::string methods_csv(const std::vector<MethodLine>& lines);

}  // namespace cawe::report
