// SPDX-License-Identifier: Apache-2.0
// What evaluations of several seeds say of a method, and of two methods against each other, for the six figures that are
// compared (kCompared, eval/evaluate.h). The statistics are those of eval/seed_figures.h.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "eval/evaluate.h"
#include "eval/seed_figures.h"

namespace cawe::eval {

/// What a result can speak of, by its number of seeds.
enum class Footing {
  weights_only,  ///< one seed: of these weights on other patients, never of a method
  few_seeds,     ///< 2 to 4: intervals over seeds are given, but no verdict
  method         ///< 5 and more
};
constexpr int64_t kVerdictSeeds = 5;
Footing footing(int64_t seeds);

struct MethodOptions {
  double level = 0.95;  ///< of the intervals; 1 - level of the tests
  int64_t family =
      1;  ///< comparisons that Holm corrects together: the smallest p is held to (1 - level) / family
  double power = 0.8;  ///< at which a minimum detectable difference is given
};

/// One figure, or its paired difference b - a, over the seeds. With one seed only `of_seed`, `patients` and
/// `minimum_detectable` are defined. Of a system's own figure no p is defined.
struct MethodFigure {
  std::vector<double> of_seed;
  Difference patients;    ///< bootstrap by patient of the mean over these seeds: about these weights
  TInterval films_fixed;  ///< t over seeds: about any weights, on these films alone
  MixedModel mixed;       ///< seeds and patients random: what verdicts about methods go by
  Difference two_level;  ///< plain percentile interval of the two-level bootstrap; too narrow with five seeds
  /// The two-level bootstrap at the quantiles Phi(-+ t SE / SD), t and SE of the mixed model and SD of the draws: the
  /// draws' shape, the mixed model's width.
  Interval two_level_calibrated;
  /// The true difference that a two-sided test at (1 - level) / family sees with `power`, from the mixed model's
  /// variance with these seeds and patients; with one seed from the patients alone, as a statement about these weights.
  double minimum_detectable = 0;
};

struct MethodResult {
  Footing footing = Footing::weights_only;
  int64_t seeds = 0, patients = 0, lesions = 0, draws = 0;
  MethodOptions options;
  std::array<MethodFigure, kCompared> figures;
};

/// The six figures of one system, one evaluation for each seed, all of the same test set and draws. Throws
/// Error(internal) where they are not.
MethodResult method_figures(const std::vector<const Evaluation*>& seeds, const MethodOptions& options = {});

/// The paired differences b - a: a[s] and b[s] are of the same seed. Throws Error(internal) where test sets, draws or
/// numbers of seeds differ.
MethodResult compare_methods(const std::vector<const Evaluation*>& a, const std::vector<const Evaluation*>& b,
                             const MethodOptions& options = {});

}  // namespace cawe::eval
