// SPDX-License-Identifier: Apache-2.0
// How many patients and seeds a comparison of two methods needs, from the variances that an earlier one measured.
//
// The variance of a mean difference over S seeds and P patients is patients P0 / P + seeds / S + rest P0 / (P S), P0
// being the number of patients at which the components were measured: what the mixed model of eval/seed_figures.h
// estimates. With one seed only these weights are compared, and seeds do not vary: such a plan takes what one seed's runs
// measured, and one of several seeds what several did. What is measured has errors of its
// own, the variance between seeds the largest with few of them.
#pragma once

#include <cstdint>
#include <vector>

#include "eval/methods.h"

namespace cawe::eval {

/// What was measured of a paired difference (MethodFigure::mixed), and on what.
struct PlanBasis {
  VarianceComponents components;
  int64_t patients = 0, lesions = 0;
};

/// Of a compared figure (kCompared).
PlanBasis plan_basis(const MethodResult& measured, size_t figure = kComparedMean);

/// The test that is planned: two-sided, at (1 - level) / family.
struct PlanTest {
  double effect = 0.02;  ///< the true difference that shall be seen, above 0
  int64_t family = 1;    ///< comparisons corrected together: Holm's first step
  double level = 0.95, power = 0.8;
};

/// The standard error of the difference and its degrees of freedom. With `patients` infinite, what seeds alone leave.
struct PlannedError {
  double standard_error = 0, df = 0;
};
PlannedError planned_error(const PlanBasis& basis, double patients, int64_t seeds);
/// The chance to see `test.effect`.
double planned_power(const PlanBasis& basis, const PlanTest& test, double patients, int64_t seeds);
/// The effect that is seen with `test.power`; `test.effect` does not count.
double planned_effect(const PlanBasis& basis, const PlanTest& test, double patients, int64_t seeds);

/// Numbers of seeds that are planned for unless a caller says otherwise.
inline std::vector<int64_t> planned_seeds() { return {3, 5, 10, 20}; }

/// A line of the plan.
struct PlanRow {
  int64_t seeds = 0;
  Footing footing = Footing::weights_only;  ///< what such a comparison can speak of
  double power_here = 0;                    ///< with the patients of the basis
  double power_without_end = 0;             ///< with patients without end: what seeds leave
  /// The fewest patients, 10 or more, that reach the power, and lesions at the basis's number for each patient; 0: no number of
  /// patients does, since seeds limit the comparison.
  int64_t patients = 0, lesions = 0;
};
/// Throws Error(usage) on an effect, level, power or family that makes no test, Error(data) where the basis has no
/// variance between seeds (it was measured with one) and more than one is asked for, or has one and a single seed is.
std::vector<PlanRow> power_plan(const PlanBasis& basis, const PlanTest& test,
                                const std::vector<int64_t>& seeds = planned_seeds());

}  // namespace cawe::eval
