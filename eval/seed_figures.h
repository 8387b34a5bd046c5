// SPDX-License-Identifier: Apache-2.0
// One figure measured with several seeds on one test set, and how sure its mean is when both the seeds and the patients
// are a sample of those that might have been: what a sentence about a method, not about some weights, rests on.
//
// A run's figure is d_s = mean + seed effect + patients' effect + rest. Two ways to its interval:
// - Mixed model, seeds and patients random and crossed: the multi-reader multi-case analysis of Obuchowski and Rockette
//   (1995, Communications in Statistics B 24) with seeds as readers. MS = sum (d_s - mean)^2 / (S - 1); Cov = the mean
//   covariance over the patient draws between different seeds; variance of the mean = MS / S + max(Cov, 0); a t
//   distribution with Satterthwaite's degrees of freedom of the two parts, S - 1 and patients - 1 (Hillis 2007,
//   Statistics in Medicine 26, has the first alone).
// - Two-level bootstrap: draw b takes seeds with replacement, and the patients of draw b.
// docs/adr/0018-two-sources-of-variance.md says which one verdicts go by, and why.
#pragma once

#include <cstdint>
#include <vector>

#include "eval/bootstrap.h"

namespace cawe::eval {

/// The runs of a system by seed, or the paired differences of two systems at the same seeds and films.
struct SeedFigures {
  std::vector<double> values;              ///< [seeds], on the whole set
  std::vector<std::vector<double>> drawn;  ///< [seeds][draws]: draw b is of the same patients for all seeds
  int64_t patients = 0;
};

/// An estimate with its standard error, and what Student's t with df degrees of freedom makes of it: interval, and the
/// two-sided p of no effect. All but the value is NaN where nothing can be said: the value or its error is undefined, or the
/// error is 0 (below kTie) and the value is not.
struct TInterval {
  double value = 0, low = 0, high = 0, p = 1;
  double standard_error = 0, df = 0;
};
TInterval t_interval(double value, double standard_error, double df, double level = 0.95);

/// The parts of the variance of one run's figure at this number of patients. None is negative: an estimate below 0 is 0.
struct VarianceComponents {
  double seeds = 0;     ///< between seeds, whatever the patients
  double patients = 0;  ///< between patients, common to all seeds
  double rest = 0;      ///< of seed and patient together
};

/// Covariances between the runs over the draws that are defined in all of them; [seeds][seeds], n - 1 in the divisor.
std::vector<std::vector<double>> draw_covariance(const std::vector<std::vector<double>>& drawn);

/// The mixed model from values by seed and their covariance over patients.
struct MixedModel {
  TInterval interval;
  VarianceComponents components;
};
/// NaN throughout where a value is undefined, with one patient, and with one seed, of which only the whole variance over
/// patients is known: components.patients.
MixedModel mixed_model(const std::vector<double>& values, const std::vector<std::vector<double>>& covariance,
                       int64_t patients, double level = 0.95);

/// The same from the draws.
MixedModel mixed_model(const SeedFigures& figures, double level = 0.95);

/// The t interval over seeds alone: the films are taken as the only ones there are.
TInterval over_seeds(const std::vector<double>& values, double level = 0.95);

/// The mean over the drawn seeds at the patients of each draw. The seeds of draw b are those of the stream
/// (seed, "eval.bootstrap.seeds", b).
std::vector<double> two_level_draws(const std::vector<std::vector<double>>& drawn, uint64_t seed);

/// Standard deviation between seeds, n - 1 in the divisor; NaN below two.
double seed_deviation(const std::vector<double>& values);

/// Standard deviation of the defined draws.
double draw_deviation(const std::vector<double>& drawn);

/// The two-level bootstrap's draws between the quantiles Phi(-+ t SE / SD), t (of `level`) and SE of the mixed model, SD of
/// the draws: their shape at the mixed model's width.
Interval calibrated_interval(const TInterval& mixed, const std::vector<double>& drawn, double level = 0.95);

}  // namespace cawe::eval
