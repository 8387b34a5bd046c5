// SPDX-License-Identifier: Apache-2.0
// Draws, intervals, p, the mixed model and the two-level bootstrap against NumPy and SciPy, which make the same films, runs
// and draws from the same streams (scripts/goldens/bootstrap.py).
#include <gtest/gtest.h>

#include <cmath>

#include "eval/methods.h"
#include "eval/student_t.h"
#include "tests/eval/coco_json.h"
#include "tests/eval/made_up_runs.h"

namespace cawe::eval {
namespace {

using nlohmann::json;

/// Sums of a thousand terms in another order; what is compared by EXPECT_EQ has none.
constexpr double kSums = 1e-13;

class BootstrapGolden : public ::testing::Test {
 protected:
  void SetUp() override {
    golden = testing::load_json("tests/goldens/bootstrap.json");
    EvaluateOptions options;
    options.draws = golden["draws"];
    options.seed = golden["boot_seed"];
    truth = testing::run_truth();
    for (uint64_t system : {0, 1})
      for (uint64_t seed = 0; seed < golden["seeds"].get<uint64_t>(); ++seed)
        runs[system].push_back(evaluate(truth, testing::run_detections(truth, system, seed), options));
    for (size_t system : {0, 1})
      for (const Evaluation& e : runs[system]) pointers[system].push_back(&e);
    methods.family = golden["family"];
  }
  static void near(double ours, const json& theirs, const std::string& what) {
    EXPECT_NEAR(ours, theirs.get<double>(), kSums * (1 + std::fabs(theirs.get<double>()))) << what;
  }
  static void same_test(const TInterval& ours, const json& theirs, const std::string& what, bool with_p) {
    near(ours.value, theirs["value"], what + " value");
    near(ours.standard_error, theirs["se"], what + " standard error");
    near(ours.df, theirs["df"], what + " df");
    near(ours.low, theirs["low"], what + " low");
    near(ours.high, theirs["high"], what + " high");
    if (with_p) near(ours.p, theirs["p"], what + " p");
    EXPECT_NE(std::isnan(ours.p), with_p) << what;
  }
  static void same_method(const MethodFigure& ours, const json& theirs, const std::string& what,
                          bool with_p) {
    ASSERT_EQ(ours.of_seed.size(), theirs["of_seed"].size());
    for (size_t s = 0; s < ours.of_seed.size(); ++s) near(ours.of_seed[s], theirs["of_seed"][s], what);
    near(ours.patients.interval.low, theirs["patients"][0], what + " patients");
    near(ours.patients.interval.high, theirs["patients"][1], what + " patients");
    same_test(ours.films_fixed, theirs["films_fixed"], what + " films fixed", with_p);
    same_test(ours.mixed.interval, theirs["mixed"], what + " mixed", with_p);
    near(ours.mixed.components.seeds, theirs["components"][0], what + " seeds");
    near(ours.mixed.components.patients, theirs["components"][1], what + " patients");
    near(ours.mixed.components.rest, theirs["components"][2], what + " rest");
    near(ours.two_level.interval.low, theirs["two_level"][0], what + " two-level");
    near(ours.two_level.interval.high, theirs["two_level"][1], what + " two-level");
    // The quantile's place is a sum's.
    EXPECT_NEAR(ours.two_level_calibrated.low, theirs["calibrated"][0].get<double>(), 1e-11) << what;
    EXPECT_NEAR(ours.two_level_calibrated.high, theirs["calibrated"][1].get<double>(), 1e-11) << what;
    near(ours.minimum_detectable, theirs["minimum_detectable"], what + " minimum detectable");
    if (!with_p) return;
    EXPECT_EQ(ours.patients.p, theirs["patients_p"].get<double>()) << what;
    EXPECT_EQ(ours.two_level.p, theirs["two_level_p"].get<double>()) << what;
  }

  json golden;
  std::vector<TruthImage> truth;
  std::vector<Evaluation> runs[2];
  std::vector<const Evaluation*> pointers[2];
  MethodOptions methods;
};

TEST_F(BootstrapGolden, DrawsAreNumPys) {
  Clusters clusters;
  clusters.of_item = patient_index(truth, &clusters.count);
  EXPECT_EQ(clusters.count, golden["patients"].get<int64_t>());
  std::vector<int32_t> weights;
  draw_weights(clusters, golden["boot_seed"], 0, &weights);
  EXPECT_EQ(weights, golden["first_draw"].get<std::vector<int32_t>>());
}

TEST_F(BootstrapGolden, FiguresAndTheirIntervalsByPatient) {
  for (size_t system : {0, 1})
    for (size_t s = 0; s < runs[system].size(); ++s) {
      const json& theirs = golden["runs"][system][s];
      for (size_t k = 0; k < kCompared; ++k) {
        const std::string what = std::to_string(system) + "/" + std::to_string(s) + "/" + std::to_string(k);
        near(runs[system][s].compared(k), theirs["value"][k], what);
        const Interval ours = percentile_interval(0, runs[system][s].drawn[k]);
        near(ours.low, theirs["intervals"][k][0], what);
        near(ours.high, theirs["intervals"][k][1], what);
        EXPECT_EQ(ours.skipped, 0);
      }
    }
}

TEST_F(BootstrapGolden, PairedDifferenceOfOneSeed) {
  const auto ours = compare({pointers[0][0]}, {pointers[1][0]});
  for (size_t k = 0; k < kCompared; ++k) {
    const json& theirs = golden["one_seed"][k];
    near(ours[k].interval.low, theirs["interval"][0], std::to_string(k));
    near(ours[k].interval.high, theirs["interval"][1], std::to_string(k));
    EXPECT_EQ(ours[k].p, theirs["p"].get<double>()) << k;
  }
}

TEST_F(BootstrapGolden, MixedModelAndTwoLevelBootstrap) {
  const MethodResult difference = compare_methods(pointers[0], pointers[1], methods);
  const MethodResult system = method_figures(pointers[1], methods);
  EXPECT_EQ(difference.footing, Footing::method);
  for (size_t k = 0; k < kCompared; ++k) {
    same_method(difference.figures[k], golden["difference"][k], "difference " + std::to_string(k), true);
    same_method(system.figures[k], golden["system"][k], "system " + std::to_string(k), false);
  }
}

TEST_F(BootstrapGolden, Distributions) {
  for (const json& row : golden["distributions"]["p"])
    EXPECT_NEAR(student_t_two_sided(row[0], row[1]) / row[2].get<double>(), 1, 1e-10) << row;
  for (const json& row : golden["distributions"]["critical"])
    EXPECT_NEAR(student_t_critical(row[0], row[1]) / row[2].get<double>(), 1, 1e-11) << row;
  for (const json& row : golden["distributions"]["power"])
    EXPECT_NEAR(t_test_power(row[0], row[1], row[2]), row[3].get<double>(), 1e-10) << row;
}

}  // namespace
}  // namespace cawe::eval
