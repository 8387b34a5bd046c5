// SPDX-License-Identifier: Apache-2.0
// Two sources of variance: the mixed model and the two-level bootstrap.
#include "eval/seed_figures.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/student_t.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace cawe::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (double v : values) sum += v;
  return sum / double(values.size());
}

/// Sum (v - mean)^2 / (n - 1).
double variance_of(const std::vector<double>& values, double mean) {
  double squares = 0;
  for (double v : values) squares += (v - mean) * (v - mean);
  return squares / double(values.size() - 1);
}

}  // namespace

TInterval t_interval(double value, double standard_error, double df, double level) {
  const TInterval undefined{value, kNaN, kNaN, kNaN, kNaN, kNaN};
  if (!std::isfinite(value) || !(standard_error >= 0) || !(df > 0)) return undefined;
  if (standard_error < kTie) standard_error = 0;
  // Runs that all differ by the same amount: nothing tells how far that is from chance.
  if (standard_error == 0 && std::fabs(value) >= kTie) return undefined;
  const double reach = student_t_critical(1 - level, df) * standard_error;
  const double p = standard_error > 0 ? student_t_two_sided(value / standard_error, df) : 1;
  return {value, value - reach, value + reach, p, standard_error, df};
}

std::vector<std::vector<double>> draw_covariance(const std::vector<std::vector<double>>& drawn) {
  const size_t runs = drawn.size(), draws = runs > 0 ? drawn[0].size() : 0;
  std::vector<size_t> defined;
  for (size_t b = 0; b < draws; ++b) {
    const auto undefined = [&](const std::vector<double>& run) { return std::isnan(run.at(b)); };
    if (std::none_of(drawn.begin(), drawn.end(), undefined)) defined.push_back(b);
  }
  std::vector<std::vector<double>> centred;
  for (const std::vector<double>& run : drawn) {
    std::vector<double> kept;
    for (const size_t b : defined) kept.push_back(run[b]);
    const double mean = mean_of(kept);
    for (double& v : kept) v -= mean;
    centred.push_back(std::move(kept));
  }
  std::vector<std::vector<double>> covariance(runs, std::vector<double>(runs, kNaN));
  if (defined.size() < 2) return covariance;
  for (size_t s = 0; s < runs; ++s)
    for (size_t t = 0; t <= s; ++t) {
      double sum = 0;
      for (size_t b = 0; b < defined.size(); ++b) sum += centred[s][b] * centred[t][b];
      covariance[s][t] = covariance[t][s] = sum / double(defined.size() - 1);
    }
  return covariance;
}

MixedModel mixed_model(const std::vector<double>& values, const std::vector<std::vector<double>>& covariance,
                       int64_t patients, double level) {
  const size_t seeds = values.size();
  CAWE_CHECK(seeds > 0 && covariance.size() == seeds && patients > 0, Code::internal, "mixed model: ", seeds,
             " seeds, covariance of ", covariance.size(), ", ", patients, " patients");
  const double mean = mean_of(values);
  // One patient says nothing of others.
  if (seeds < 2 || patients < 2 || std::isnan(mean))
    return {t_interval(mean, kNaN, kNaN, level),
            {kNaN, seeds < 2 && patients > 1 ? covariance[0][0] : kNaN, kNaN}};
  double own = 0, common = 0;  // mean variance over patients, mean covariance of different seeds
  for (size_t s = 0; s < seeds; ++s) {
    own += covariance[s][s] / double(seeds);
    for (size_t t = 0; t < seeds; ++t)
      if (t != s) common += covariance[s][t] / double(seeds * (seeds - 1));
  }
  const double of_seeds = variance_of(values, mean) / double(seeds);  // MS / S
  const double of_patients = std::max(common, 0.0);
  const double variance = of_seeds + of_patients;
  const double squares =
      of_seeds * of_seeds / double(seeds - 1) + of_patients * of_patients / double(patients - 1);
  const double df = squares > 0 ? variance * variance / squares : double(seeds - 1);
  // Seeds and rest together are MS, whatever the draws say of the rest: a plan at these seeds has this standard error.
  const double ms = of_seeds * double(seeds), rest = std::min(std::max(own - of_patients, 0.0), ms);
  return {t_interval(mean, std::sqrt(variance), df, level), {ms - rest, of_patients, rest}};
}

MixedModel mixed_model(const SeedFigures& figures, double level) {
  return mixed_model(figures.values, draw_covariance(figures.drawn), figures.patients, level);
}

TInterval over_seeds(const std::vector<double>& values, double level) {
  const double mean = mean_of(values);
  if (values.size() < 2 || std::isnan(mean)) return t_interval(mean, kNaN, kNaN, level);
  const double n = double(values.size());
  return t_interval(mean, std::sqrt(variance_of(values, mean) / n), n - 1, level);
}

std::vector<double> two_level_draws(const std::vector<std::vector<double>>& drawn, uint64_t seed) {
  CAWE_CHECK(!drawn.empty(), Code::internal, "two-level bootstrap: no runs");
  const uint64_t seeds = drawn.size();
  std::vector<double> mean(drawn[0].size());
  for (size_t b = 0; b < mean.size(); ++b) {
    Random random(seed, "eval.bootstrap.seeds", b);
    double sum = 0;
    for (uint64_t k = 0; k < seeds; ++k) sum += drawn[random.next_below(seeds)][b];
    mean[b] = sum / double(seeds);
  }
  return mean;
}

double seed_deviation(const std::vector<double>& values) {
  return values.size() < 2 ? kNaN : std::sqrt(variance_of(values, mean_of(values)));
}

double draw_deviation(const std::vector<double>& drawn) {
  std::vector<double> defined;
  for (const double v : drawn)
    if (!std::isnan(v)) defined.push_back(v);
  return defined.size() < 2 ? kNaN : std::sqrt(variance_of(defined, mean_of(defined)));
}

Interval calibrated_interval(const TInterval& mixed, const std::vector<double>& drawn, double level) {
  if (std::isnan(mixed.df)) return quantile_interval(mixed.value, {}, 0, 1);
  const double deviation = draw_deviation(drawn);
  if (deviation == 0) return percentile_interval(mixed.value, drawn, level);
  const double reach = student_t_critical(1 - level, mixed.df) * mixed.standard_error / deviation;
  return quantile_interval(mixed.value, drawn, normal_cdf(-reach), normal_cdf(reach));
}

}  // namespace cawe::eval
