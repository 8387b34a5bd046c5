// SPDX-License-Identifier: Apache-2.0
// Figures of methods over seeds.
#include "eval/methods.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/student_t.h"
#include "tensor/denormals.h"
#include "tensor/error.h"

namespace cawe::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

MethodFigure figure_of(const SeedFigures& f, uint64_t seed, const MethodOptions& o) {
  MethodFigure m;
  m.of_seed = f.values;
  std::vector<const std::vector<double>*> of_seeds;
  for (const std::vector<double>& drawn : f.drawn) of_seeds.push_back(&drawn);
  const std::vector<double> mean = mean_of_draws(of_seeds);
  double value = 0;
  for (double v : f.values) value += v / double(f.values.size());
  m.patients = difference_of_draws(value, mean, o.level);
  m.films_fixed = over_seeds(f.values, o.level);
  m.mixed = mixed_model(f, o.level);
  m.two_level = {{value, kNaN, kNaN, 0, int64_t(mean.size())}, kNaN, kNaN};
  m.two_level_calibrated = m.two_level.interval;
  double error = draw_deviation(mean), df = std::numeric_limits<double>::infinity();
  if (f.values.size() > 1) {
    error = m.mixed.interval.standard_error;
    df = m.mixed.interval.df;
  }
  if (f.values.size() > 1 && !std::isnan(df)) {
    const std::vector<double> both = two_level_draws(f.drawn, seed);
    m.two_level = difference_of_draws(value, both, o.level);
    m.two_level_calibrated = calibrated_interval(m.mixed.interval, both, o.level);
  }
  if (f.patients < 2) {  // every draw is of the one patient
    m.patients = {{value, kNaN, kNaN, 0, int64_t(mean.size())}, kNaN, kNaN};
    error = kNaN;
  }
  const double alpha = (1 - o.level) / double(o.family);
  m.minimum_detectable = error > 0 ? error * t_test_shift(o.power, df, alpha) : kNaN;
  return m;
}

/// The result but for its figures.
MethodResult result_of(const std::vector<const Evaluation*>& seeds, const MethodOptions& options) {
  CAWE_CHECK(!seeds.empty(), Code::internal, "methods: a system without evaluations");
  CAWE_CHECK(options.family > 0 && options.level > 0 && options.level < 1, Code::internal, "methods: level ",
             options.level, ", family of ", options.family);
  const Evaluation& first = *seeds[0];
  return {footing(int64_t(seeds.size())),
          int64_t(seeds.size()),
          first.patients,
          first.lesions,
          int64_t(first.drawn[0].size()),
          options,
          {}};
}

}  // namespace

Footing footing(int64_t seeds) {
  return seeds >= kVerdictSeeds ? Footing::method : seeds > 1 ? Footing::few_seeds : Footing::weights_only;
}

MethodResult method_figures(const std::vector<const Evaluation*>& seeds, const MethodOptions& options) {
  const KeepDenormals exact;
  MethodResult result = result_of(seeds, options);
  for (const Evaluation* e : seeds) check_same_draws(*seeds[0], *e);
  for (size_t k = 0; k < kCompared; ++k) {
    SeedFigures f;
    f.patients = seeds[0]->patients;
    for (const Evaluation* e : seeds) {
      f.values.push_back(e->compared(k));
      f.drawn.push_back(e->drawn[k]);
    }
    MethodFigure& m = result.figures[k] = figure_of(f, seeds[0]->options.seed, options);
    // That a sensitivity is 0 is no hypothesis.
    m.patients.p = m.two_level.p = m.films_fixed.p = m.mixed.interval.p = kNaN;
  }
  return result;
}

MethodResult compare_methods(const std::vector<const Evaluation*>& a, const std::vector<const Evaluation*>& b,
                             const MethodOptions& options) {
  const KeepDenormals exact;
  CAWE_CHECK(a.size() == b.size(), Code::internal, "methods: ", a.size(), " seeds against ", b.size(),
             " (paired: expected as many)");
  MethodResult result = result_of(a, options);
  for (size_t s = 0; s < a.size(); ++s) {
    check_same_draws(*a[0], *a[s]);
    check_same_draws(*a[0], *b[s]);
  }
  for (size_t k = 0; k < kCompared; ++k) {
    SeedFigures f;
    f.patients = a[0]->patients;
    for (size_t s = 0; s < a.size(); ++s) {
      f.values.push_back(b[s]->compared(k) - a[s]->compared(k));
      f.drawn.push_back(b[s]->drawn[k]);
      for (size_t d = 0; d < f.drawn[s].size(); ++d) f.drawn[s][d] -= a[s]->drawn[k][d];
    }
    result.figures[k] = figure_of(f, a[0]->options.seed, options);
  }
  return result;
}

}  // namespace cawe::eval
