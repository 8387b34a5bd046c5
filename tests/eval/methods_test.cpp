// SPDX-License-Identifier: Apache-2.0
// Methods over seeds, A/A comparisons and power plans. Their numbers against NumPy: bootstrap_golden_test.cpp.
#include "eval/methods.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/power_plan.h"
#include "eval/same_system.h"
#include "eval/student_t.h"
#include "tensor/error.h"
#include "tests/eval/made_up_runs.h"

namespace cawe::eval {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class Methods : public ::testing::Test {
 protected:
  static Evaluation run(uint64_t system, uint64_t seed) {
    const auto truth = testing::run_truth();
    EvaluateOptions options;
    options.draws = 500;
    return evaluate(truth, testing::run_detections(truth, system, seed), options);
  }
  void SetUp() override {
    for (uint64_t s = 0; s < 5; ++s) {
      first.push_back(run(0, s));
      second.push_back(run(1, s));
    }
  }
  static std::vector<const Evaluation*> seeds(const std::vector<Evaluation>& runs, size_t count) {
    std::vector<const Evaluation*> out;
    for (size_t s = 0; s < count; ++s) out.push_back(&runs[s]);
    return out;
  }
  std::vector<Evaluation> first, second;
};

TEST_F(Methods, FootingFollowsTheSeeds) {
  EXPECT_EQ(footing(1), Footing::weights_only);
  EXPECT_EQ(footing(2), Footing::few_seeds);
  EXPECT_EQ(footing(4), Footing::few_seeds);
  EXPECT_EQ(footing(5), Footing::method);
  for (const size_t n : {1, 2, 4, 5}) {
    const MethodResult r = compare_methods(seeds(first, n), seeds(second, n));
    EXPECT_EQ(r.footing, footing(int64_t(n)));
    EXPECT_EQ(r.seeds, int64_t(n));
    EXPECT_EQ(r.patients, 50);
    EXPECT_EQ(r.draws, 500);
    EXPECT_GT(r.lesions, 30);
  }
}

// One seed: nothing but the bootstrap by patient exists.
TEST_F(Methods, OneSeedSpeaksOfItsWeights) {
  const MethodResult r = compare_methods(seeds(first, 1), seeds(second, 1));
  const auto plain = compare(seeds(first, 1), seeds(second, 1));
  for (size_t k = 0; k < kCompared; ++k) {
    const MethodFigure& f = r.figures[k];
    EXPECT_DOUBLE_EQ(f.patients.interval.value, plain[k].interval.value);
    EXPECT_EQ(f.patients.interval.low, plain[k].interval.low);
    EXPECT_EQ(f.patients.interval.high, plain[k].interval.high);
    EXPECT_EQ(f.patients.p, plain[k].p);
    EXPECT_NEAR(f.minimum_detectable, plain[k].minimum_detectable, 1e-6)
        << "80 % power at .05, no correction";
    for (const double v :
         {f.films_fixed.low, f.mixed.interval.low, f.mixed.interval.p, f.two_level.interval.low,
          f.two_level.p, f.two_level_calibrated.low, f.mixed.components.seeds})
      EXPECT_TRUE(std::isnan(v)) << k;
  }
}

TEST_F(Methods, SeveralSeedsArePairedAndAveraged) {
  const MethodResult r = compare_methods(seeds(first, 5), seeds(second, 5));
  const auto weights = compare(seeds(first, 5), seeds(second, 5));
  for (size_t k = 0; k < kCompared; ++k) {
    const MethodFigure& f = r.figures[k];
    ASSERT_EQ(f.of_seed.size(), 5u);
    for (size_t s = 0; s < 5; ++s) EXPECT_EQ(f.of_seed[s], second[s].compared(k) - first[s].compared(k));
    EXPECT_NEAR(f.mixed.interval.value, weights[k].interval.value, 1e-12);
    EXPECT_NEAR(f.patients.interval.low, weights[k].interval.low, 1e-12);
    EXPECT_NEAR(f.patients.interval.high, weights[k].interval.high, 1e-12);
    EXPECT_EQ(f.patients.p, weights[k].p) << "sums in another order are ties all the same";
    EXPECT_LT(f.two_level_calibrated.low, f.two_level_calibrated.high);
  }
  // Turned round: the same with the other sign.
  const MethodFigure there = r.figures[kComparedMean];
  const MethodFigure back = compare_methods(seeds(second, 5), seeds(first, 5)).figures[kComparedMean];
  EXPECT_NEAR(back.mixed.interval.low, -there.mixed.interval.high, 1e-12);
  EXPECT_NEAR(back.mixed.interval.p, there.mixed.interval.p, 1e-12);
  // Another pairing is another design: the differences of seeds vary in another way.
  std::vector<const Evaluation*> turned = seeds(second, 5);
  std::rotate(turned.begin(), turned.begin() + 1, turned.end());
  EXPECT_NE(compare_methods(seeds(first, 5), turned).figures[kComparedMean].mixed.interval.standard_error,
            there.mixed.interval.standard_error);
}

TEST_F(Methods, ASystemsOwnFigureHasNoP) {
  const MethodResult r = method_figures(seeds(first, 5));
  for (const MethodFigure& f : r.figures) {
    EXPECT_LT(f.mixed.interval.low, f.mixed.interval.value);
    EXPECT_GT(f.mixed.interval.low, 0) << "a sensitivity far from 0 has an interval far from it";
    for (const double p : {f.mixed.interval.p, f.patients.p, f.two_level.p, f.films_fixed.p})
      EXPECT_TRUE(std::isnan(p));
  }
}

TEST_F(Methods, TheDetectableDifferenceIsWhatItsTestSees) {
  MethodOptions options;
  options.family = 10;
  options.power = .9;
  const MethodFigure f = compare_methods(seeds(first, 5), seeds(second, 5), options).figures[kComparedMean];
  const TInterval& t = f.mixed.interval;
  EXPECT_NEAR(t_test_power(f.minimum_detectable / t.standard_error, t.df, .005), .9, 1e-9);
  EXPECT_GT(f.minimum_detectable,
            compare_methods(seeds(first, 5), seeds(second, 5)).figures[kComparedMean].minimum_detectable);
}

TEST_F(Methods, WithoutALesionNothingIsDefined) {
  std::vector<TruthImage> truth(6);
  EvaluateOptions options;
  options.draws = 70;
  const Evaluation e = evaluate(truth, {{0, {0, 0, 9, 9}, .5, 0}}, options);
  const MethodResult r = compare_methods({&e, &e}, {&e, &e});
  for (const MethodFigure& f : r.figures)
    for (const double v : {f.mixed.interval.value, f.mixed.interval.p, f.patients.p, f.two_level.p,
                           f.minimum_detectable, f.two_level_calibrated.low})
      EXPECT_TRUE(std::isnan(v));
  EXPECT_EQ(r.figures[0].patients.interval.skipped, 70);
}

// All draws of one patient are the same: they say nothing of others, however many seeds there are.
TEST_F(Methods, OnePatientSupportsNothing) {
  auto truth = testing::run_truth();
  for (TruthImage& image : truth) image.patient = "p";
  EvaluateOptions options;
  options.draws = 20;
  std::vector<Evaluation> plain, other;
  for (uint64_t s = 0; s < 2; ++s) {
    plain.push_back(evaluate(truth, testing::run_detections(truth, 0, s), options));
    other.push_back(evaluate(truth, testing::run_detections(truth, 1, s), options));
  }
  ASSERT_EQ(plain[0].patients, 1);
  for (const size_t n : {1, 2}) {
    for (const Difference& d : compare(seeds(plain, n), seeds(other, n)))
      EXPECT_TRUE(std::isnan(d.interval.low) && std::isnan(d.p) && std::isnan(d.minimum_detectable));
    for (const MethodFigure& f : compare_methods(seeds(plain, n), seeds(other, n)).figures)
      for (const double v : {f.patients.p, f.mixed.interval.p, f.two_level.p, f.minimum_detectable})
        EXPECT_TRUE(std::isnan(v));
  }
}

TEST_F(Methods, RefusesWhatIsNotPaired) {
  EXPECT_THROW(compare_methods(seeds(first, 3), seeds(second, 2)), Error);
  EXPECT_THROW(method_figures({}), Error);
  EvaluateOptions options;
  options.draws = 400;
  const auto truth = testing::run_truth();
  const Evaluation fewer = evaluate(truth, {}, options);
  EXPECT_THROW(compare_methods({&first[0], &fewer}, {&first[0], &first[1]}), Error);
  options.draws = 500;
  options.seed = 1;
  const Evaluation others = evaluate(truth, {}, options);
  EXPECT_THROW(method_figures({&first[0], &others}), Error);
}

TEST_F(Methods, SameSystemSharesByHand) {
  // Four runs: six pairs, three ways to deal them. What the patients of a draw do to all runs alike must cancel.
  for (Evaluation& e : first)
    for (size_t k = 0; k < kCompared; ++k)
      for (size_t b = 0; b < e.drawn[k].size(); ++b) e.drawn[k][b] += double(b % 7) / 8;
  const auto runs = seeds(first, 4);
  const size_t deals[3][4] = {{0, 1, 2, 3}, {0, 2, 1, 3}, {0, 3, 1, 2}};
  for (const double level : {.8, .4})
    for (const size_t k : {size_t{2}, kComparedMean}) {
      int64_t pairs = 0, dealt = 0;
      for (size_t a = 0; a < 4; ++a)
        for (size_t b = 0; b < a; ++b) pairs += compare({runs[b]}, {runs[a]})[k].p <= 1 - level;
      for (const auto& d : deals)
        dealt +=
            compare_methods({runs[d[0]], runs[d[1]]}, {runs[d[2]], runs[d[3]]}).figures[k].mixed.interval.p <=
            1 - level;
      const SameSystemShare share = same_system_share(runs, k, level);
      EXPECT_EQ(share.pairs, 6);
      EXPECT_EQ(share.pairs_different, pairs) << k << " at " << level;
      EXPECT_EQ(share.deals, 3);
      EXPECT_EQ(share.deals_different, dealt) << k << " at " << level;
      EXPECT_TRUE(share.every_deal);
    }
  EXPECT_THROW(same_system_share(seeds(first, 3)), Error);
  const SameSystemShare pair = same_system_share(seeds(first, 2));
  EXPECT_EQ(pair.pairs, 1);
  EXPECT_EQ(pair.deals, 0) << "one run a group has no variance between seeds";
  EXPECT_TRUE(std::isnan(pair.deal_share()));
}

// Two groups that are not the same system: the share is far from the level, so that the function can say so.
TEST_F(Methods, SameSystemShareOfRunsThatDiffer) {
  const auto truth = testing::run_truth();
  EvaluateOptions options;
  options.draws = 300;
  std::vector<Evaluation> many;
  for (uint64_t s = 0; s < 16; ++s)
    many.push_back(evaluate(truth, testing::run_detections(truth, 0, 50 + s), options));
  const SameSystemShare share = same_system_share(seeds(many, 16), 5);
  EXPECT_FALSE(share.every_deal) << "6,435 ways";
  EXPECT_EQ(share.deals, 1000);
  EXPECT_EQ(share.pairs, 120);
  EXPECT_GT(share.pair_share(), .2) << "seeds differ here by more than patients explain";
  EXPECT_LT(share.deal_share(), .1);
  EXPECT_EQ(same_system_share(seeds(many, 16), 5).deals_different, share.deals_different);
  EXPECT_NE(same_system_share(seeds(many, 16), 5, .5).deals_different, share.deals_different);
}

// The error that was measured is the one that is planned with as many seeds and patients.
TEST_F(Methods, APlanReproducesWhatWasMeasured) {
  const MethodResult measured = compare_methods(seeds(first, 5), seeds(second, 5));
  for (size_t k = 0; k < kCompared; ++k) {
    const PlanBasis basis = plan_basis(measured, k);
    const TInterval& t = measured.figures[k].mixed.interval;
    EXPECT_NEAR(planned_error(basis, 50, 5).standard_error, t.standard_error, 1e-12) << k;
    EXPECT_NEAR(planned_error(basis, 50, 5).df, t.df, 1e-9) << k;
    EXPECT_NEAR(planned_effect(basis, {}, 50, 5), measured.figures[k].minimum_detectable, 1e-9) << k;
  }
  EXPECT_GT(plan_basis(measured, 5).components.seeds, 0) << "at least mAP50 was compared above";
  const MethodResult one = compare_methods(seeds(first, 1), seeds(second, 1));
  EXPECT_NEAR(planned_effect(plan_basis(one, 5), {}, 50, 1), one.figures[5].minimum_detectable, 1e-12);
  EXPECT_THROW(planned_effect(plan_basis(one, 5), {}, 50, 2), Error);
}

TEST(PowerPlan, ErrorsByHand) {
  const PlanBasis basis{{.004, .001, .002}, 100, 150};
  // 200 patients, 4 seeds: (.004 + .002 / 2) / 4 + .001 / 2.
  const PlannedError e = planned_error(basis, 200, 4);
  EXPECT_NEAR(e.standard_error, std::sqrt(.00125 + .0005), 1e-15);
  EXPECT_NEAR(e.df, .00175 * .00175 / (.00125 * .00125 / 3 + .0005 * .0005 / 199), 1e-9);
  EXPECT_NEAR(planned_error(basis, kInfinity, 4).standard_error, std::sqrt(.001), 1e-15);
  EXPECT_NEAR(planned_error(basis, kInfinity, 4).df, 3, 1e-12);
  const PlanBasis one_seed{{std::nan(""), .001, std::nan("")}, 100, 150};
  EXPECT_NEAR(planned_error(one_seed, 50, 1).standard_error, std::sqrt(.002), 1e-15) << "weights fixed";
  const PlanTest test{.1, 5, .95, .8};
  EXPECT_NEAR(planned_power(basis, test, 200, 4), t_test_power(.1 / e.standard_error, e.df, .01), 1e-12);
  const double seen = planned_effect(basis, test, 200, 4);
  EXPECT_NEAR(planned_power(basis, {seen, 5, .95, .8}, 200, 4), .8, 1e-9);
}

TEST(PowerPlan, TheFewestPatientsReachThePowerAndOneLessDoesNot) {
  const PlanBasis basis{{.0004, .001, .002}, 100, 150};
  const PlanTest test{.04, 1, .95, .8};
  const auto plan = power_plan(basis, test);
  ASSERT_EQ(plan.size(), 4u);
  EXPECT_EQ(plan[0].footing, Footing::few_seeds);
  EXPECT_EQ(plan[1].footing, Footing::method);
  EXPECT_EQ(plan[0].patients, 0) << "three seeds leave too much";
  EXPECT_EQ(plan[0].lesions, 0);
  EXPECT_LT(plan[0].power_without_end, .8);
  for (const size_t k : {1, 2, 3}) {
    const PlanRow& row = plan[k];
    ASSERT_GT(row.patients, 10) << row.seeds;
    EXPECT_GE(planned_power(basis, test, double(row.patients), row.seeds), .8);
    EXPECT_LT(planned_power(basis, test, double(row.patients - 1), row.seeds), .8);
    EXPECT_EQ(row.lesions, int64_t(std::ceil(1.5 * double(row.patients))));
    EXPECT_GT(row.power_without_end, .8);
    EXPECT_DOUBLE_EQ(row.power_here, planned_power(basis, test, 100, row.seeds));
  }
  EXPECT_GT(plan[1].patients, plan[2].patients) << "more seeds need fewer patients";
  EXPECT_GT(plan[2].patients, plan[3].patients);
}

TEST(PowerPlan, RefusesWhatIsNoPlan) {
  const PlanBasis basis{{.0004, .001, .002}, 100, 150};
  EXPECT_THROW(power_plan(basis, {0, 1, .95, .8}), Error);
  EXPECT_THROW(power_plan(basis, {-.1, 1, .95, .8}), Error);
  EXPECT_THROW(power_plan(basis, {.1, 0, .95, .8}), Error);
  EXPECT_THROW(power_plan(basis, {.1, 1, .95, .04}), Error);
  EXPECT_THROW(power_plan(basis, {.1, 1, .95, 1}), Error);
  const PlanBasis one_seed{{std::nan(""), .001, std::nan("")}, 100, 150};
  EXPECT_EQ(power_plan(one_seed, {.1, 1, .95, .8}, {1}).size(), 1u);
  const auto refused = [](const PlanBasis& of, const std::vector<int64_t>& seeds,
                          const std::string& expected) {
    try {
      power_plan(of, {.1, 1, .95, .8}, seeds);
      ADD_FAILURE() << expected;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::data);
      EXPECT_NE(std::string(error.what()).find(expected), std::string::npos) << error.what();
    }
  };
  refused(one_seed, {1, 3}, "two seeds or more");
  refused(basis, {3, 1}, "results of one seed");
}

// Two seeds and a strict test ask for shifts of thousands, where the power was summed in ever smaller steps.
TEST(PowerPlan, TwoSeedsAndALargeFamilyArePlannedAtOnce) {
  const PlanBasis basis{{.0004, .001, .002}, 100, 150};
  const PlanTest test{.1, 3000, .95, .8};
  const double effect = planned_effect(basis, test, 100, 2);
  EXPECT_GT(effect, 1) << "no difference of shares is shown so";
  EXPECT_NEAR(planned_power(basis, {effect, 3000, .95, .8}, 100, 2), .8, 1e-6);
}

}  // namespace
}  // namespace cawe::eval
