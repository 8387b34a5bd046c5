// SPDX-License-Identifier: Apache-2.0
// The power of a comparison that is still to be made.
#include "eval/power_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/student_t.h"
#include "tensor/denormals.h"
#include "tensor/error.h"

namespace cawe::eval {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kFewest = 10, kMost = 100000000;  ///< patients between which a plan is looked for

double alpha_of(const PlanTest& test) { return (1 - test.level) / double(test.family); }

void check(const PlanBasis& basis, const PlanTest& test, int64_t seeds) {
  const VarianceComponents& c = basis.components;
  CAWE_CHECK(test.effect > 0 && std::isfinite(test.effect), Code::usage, "power plan: effect ", test.effect,
             " (expected above 0)");
  CAWE_CHECK(test.family > 0 && test.level > 0 && test.level < 1, Code::usage, "power plan: level ",
             test.level, ", family of ", test.family, " (expected between 0 and 1, and at least 1)");
  CAWE_CHECK(test.power > alpha_of(test) && test.power < 1, Code::usage, "power plan: power ", test.power,
             " (expected above the test's level ", alpha_of(test), ", below 1)");
  CAWE_CHECK(seeds > 0 && basis.patients > 0, Code::usage, "power plan: ", seeds, " seeds, measured on ",
             basis.patients, " patients (expected at least 1)");
  CAWE_CHECK(c.patients >= 0 && std::isfinite(c.patients), Code::data,
             "power plan: the variance between patients was not measured");
  CAWE_CHECK(
      seeds == 1 || (c.seeds >= 0 && c.rest >= 0), Code::data,
      "power plan: the variance between seeds was not measured (expected results of two seeds or more)");
  // With several seeds the parts add up to what their mean varies by, not to one run's variance over patients.
  CAWE_CHECK(seeds > 1 || std::isnan(c.seeds), Code::data,
             "power plan: one seed's weights vary with patients alone (expected results of one seed)");
}

/// The fewest patients with the power. It need not rise with them where seeds are few: more patients leave less
/// variance, but fewer degrees of freedom. So the first crossing is looked for, upwards in steps of 5 %.
int64_t fewest_patients(const PlanBasis& basis, const PlanTest& test, int64_t seeds) {
  const auto enough = [&](int64_t patients) {
    return planned_power(basis, test, double(patients), seeds) >= test.power;
  };
  int64_t below = kFewest - 1, reached = kFewest;
  while (!enough(reached)) {
    if (reached >= kMost) return 0;
    below = reached;
    reached = std::min(kMost, reached + std::max<int64_t>(1, reached / 20));
  }
  while (below + 1 < reached) {
    const int64_t middle = below + (reached - below) / 2;
    (enough(middle) ? reached : below) = middle;
  }
  return reached;
}

}  // namespace

PlanBasis plan_basis(const MethodResult& measured, size_t figure) {
  return {measured.figures.at(figure).mixed.components, measured.patients, measured.lesions};
}

PlannedError planned_error(const PlanBasis& basis, double patients, int64_t seeds) {
  const VarianceComponents& c = basis.components;
  const double fewer = double(basis.patients) / patients, n = double(seeds);
  if (seeds == 1) return {std::sqrt(c.patients * fewer), kInfinity};
  const double of_seeds = (c.seeds + c.rest * fewer) / n, of_patients = c.patients * fewer;
  const double variance = of_seeds + of_patients;
  const double squares =
      of_seeds * of_seeds / (n - 1) + (patients > 1 ? of_patients * of_patients / (patients - 1) : 0);
  return {std::sqrt(variance), squares > 0 ? variance * variance / squares : n - 1};
}

double planned_power(const PlanBasis& basis, const PlanTest& test, double patients, int64_t seeds) {
  const KeepDenormals exact;
  check(basis, test, seeds);
  const PlannedError e = planned_error(basis, patients, seeds);
  if (e.standard_error == 0) return 1;
  return t_test_power(test.effect / e.standard_error, e.df, alpha_of(test));
}

double planned_effect(const PlanBasis& basis, const PlanTest& test, double patients, int64_t seeds) {
  const KeepDenormals exact;
  check(basis, test, seeds);
  const PlannedError e = planned_error(basis, patients, seeds);
  return e.standard_error * t_test_shift(test.power, e.df, alpha_of(test));
}

std::vector<PlanRow> power_plan(const PlanBasis& basis, const PlanTest& test,
                                const std::vector<int64_t>& seeds) {
  const KeepDenormals exact;
  std::vector<PlanRow> rows;
  for (const int64_t s : seeds) {
    check(basis, test, s);
    PlanRow row;
    row.seeds = s;
    row.footing = footing(s);
    row.power_here = planned_power(basis, test, double(basis.patients), s);
    row.power_without_end = planned_power(basis, test, kInfinity, s);
    row.patients = fewest_patients(basis, test, s);
    row.lesions = int64_t(std::ceil(double(row.patients) * double(basis.lesions) / double(basis.patients)));
    rows.push_back(row);
  }
  return rows;
}

}  // namespace cawe::eval
