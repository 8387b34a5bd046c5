// SPDX-License-Identifier: Apache-2.0
// Simulations: how often the intervals over seeds and patients miss the truth, and how often their tests see a difference
// where none is. The tables are printed; docs/adr/0018-two-sources-of-variance.md has them at 10,000 replications
// (CAWE_REPLICATIONS=10000).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "eval/methods.h"
#include "eval/same_system.h"
#include "eval/student_t.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace cawe::eval {
namespace {

constexpr size_t kPatients = 80, kDrawn = 400;

int64_t replications() {
  const char* wanted = std::getenv("CAWE_REPLICATIONS");
  return wanted != nullptr ? std::max(2000, std::atoi(wanted)) : 3000;
}

/// The weights of the patient draws, [patients][draws]: the bootstrap's own.
const std::vector<std::vector<double>>& draws_of_patients() {
  static const auto weights = [] {
    Clusters clusters;
    for (size_t i = 0; i < kPatients; ++i) clusters.of_item.push_back(int64_t(i));
    clusters.count = int64_t(kPatients);
    std::vector<std::vector<double>> w(kPatients, std::vector<double>(kDrawn));
    std::vector<int32_t> drawn;
    for (size_t b = 0; b < kDrawn; ++b) {
      draw_weights(clusters, 0, b, &drawn);
      for (size_t i = 0; i < kPatients; ++i) w[i][b] = drawn[i];
    }
    return w;
  }();
  return weights;
}

struct Design {
  size_t seeds;
  double ratio;  ///< variance over patients of one seed's figure / variance between seeds
  bool paired;
};

double normal(Random* random, double variance) { return std::sqrt(variance) * random->next_normal(); }

/// A run's figure is a mean over patients. The variance between seeds is 1; half of that over patients is common to all
/// seeds. Of a paired design it is the difference that has these variances; effects that both systems share are as large
/// again and must cancel. The true figure is 0.
SeedFigures made_up(const Design& d, uint64_t replication) {
  Random random(uint64_t(10 * d.ratio), "test.two_sources", d.seeds, replication, d.paired);
  const auto& weights = draws_of_patients();
  const double over_patients = d.ratio * double(kPatients), part = d.paired ? 0.5 : 1;
  const size_t systems = d.paired ? 2 : 1;
  std::vector<double> shared(kPatients, 0.0);
  std::vector<std::vector<double>> common(systems, std::vector<double>(kPatients));
  for (double& v : shared) v = d.paired ? normal(&random, over_patients) : 0;
  for (auto& of_system : common)
    for (double& v : of_system) v = normal(&random, part * over_patients / 2);
  SeedFigures f;
  f.patients = int64_t(kPatients);
  for (size_t s = 0; s < d.seeds; ++s) {
    const double of_both = d.paired ? normal(&random, 1) : 0;
    double value = 0;
    std::vector<double> drawn(kDrawn, 0.0);
    for (size_t m = 0; m < systems; ++m) {
      const double sign = m == 0 && d.paired ? -1 : 1, of_seed = normal(&random, part);
      for (size_t i = 0; i < kPatients; ++i) {
        const double x =
            sign / double(kPatients) *
            (of_both + of_seed + shared[i] + common[m][i] + normal(&random, part * over_patients / 2));
        value += x;
        for (size_t b = 0; b < kDrawn; ++b) drawn[b] += x * weights[i][b];
      }
    }
    f.values.push_back(value);
    f.drawn.push_back(std::move(drawn));
  }
  return f;
}

/// Ways to an interval, in the order of the table.
enum Way { kMixed, kCalibrated, kPlain, kExpanded, kFilmsFixed, kWeightsFixed, kOneRun, kWays };

/// Which intervals miss the true figure, 0.
std::array<bool, kWays> misses(const SeedFigures& f, uint64_t replication) {
  const double seeds = double(f.values.size());
  const MixedModel mixed = mixed_model(f.values, draw_covariance(f.drawn), f.patients);
  const TInterval& t = mixed.interval;
  const std::vector<double> both = two_level_draws(f.drawn, replication);
  // Hesterberg (2015, The American Statistician 69): t's quantiles and n / (n - 1), n the seeds.
  const double expanded = normal_cdf(-std::sqrt(seeds / (seeds - 1)) * student_t_critical(.05, seeds - 1));
  std::vector<double> mean(kDrawn, 0.0);
  for (const auto& of_seed : f.drawn)
    for (size_t b = 0; b < kDrawn; ++b) mean[b] += of_seed[b] / seeds;
  const auto outside = [](const auto& i) { return i.low > 0 || i.high < 0; };
  EXPECT_EQ(outside(t), t.p < .05) << "p and the interval say the same";
  return {outside(t),
          outside(calibrated_interval(t, both)),
          outside(percentile_interval(0, both)),
          outside(quantile_interval(0, both, expanded, 1 - expanded)),
          outside(over_seeds(f.values)),
          outside(percentile_interval(0, mean)),
          outside(percentile_interval(0, f.drawn[0]))};
}

TEST(TwoSources, IntervalsMissTheTruthInOneOfTwenty) {
  const int64_t times = replications();
  std::printf(
      "%-8s seeds ratio  mixed calibr plain  expand films  weights one run (misses of 95 %% intervals)\n",
      "");
  for (const bool paired : {true, false})
    for (const size_t seeds : {5, 10})
      for (const double ratio : {.2, 1.0, 5.0}) {
        const Design design{seeds, ratio, paired};
        std::vector<std::array<bool, kWays>> missed(static_cast<size_t>(times));
        parallel_tasks(
            times, [&](int64_t r) { missed[size_t(r)] = misses(made_up(design, uint64_t(r)), uint64_t(r)); });
        std::array<double, kWays> share{};
        for (const auto& one : missed)
          for (size_t w = 0; w < kWays; ++w) share[w] += one[w] / double(times);
        std::printf("%-8s %5zu %5.1f", paired ? "paired" : "single", seeds, ratio);
        for (const double v : share) std::printf("  %.3f", v);
        std::printf("\n");
        for (const Way way : {kMixed, kCalibrated}) {
          EXPECT_GE(share[way], .03) << way << " of " << seeds << " seeds at " << ratio << ", paired "
                                     << paired;
          EXPECT_LE(share[way], .07) << way << " of " << seeds << " seeds at " << ratio << ", paired "
                                     << paired;
        }
        // Why the other ways are not gone by.
        EXPECT_GT(share[kFilmsFixed], .07) << "films fixed";
        if (ratio >= 1) {
          EXPECT_LT(share[kExpanded], .03) << "far too wide where there is anything but seeds";
          continue;
        }
        EXPECT_GT(share[kOneRun], .35) << "one run's interval by patient speaks of its weights";
        if (seeds == 5) {
          EXPECT_GT(share[kPlain], .065) << "five values are too few for percentiles";
        }
      }
}

/// Films of a person each, two in three with a lesion or two.
std::vector<TruthImage> films() {
  std::vector<TruthImage> truth;
  Random random(2, "test.two_sources.films");
  for (int i = 0; i < 60; ++i) {
    truth.push_back({"f" + std::to_string(i), "p" + std::to_string(i), {}, 256, 256});
    for (uint64_t k = random.next_below(3); k > 0; --k) {
      const double x = random.next_uniform(0, 200), y = random.next_uniform(0, 200);
      truth.back().boxes.push_back({{x, y, x + 30, y + 30}, 0, false, 900});
    }
  }
  return truth;
}

/// A made-up detector's boxes: whether a lesion is found depends on the run, on the patient, and on both together.
std::vector<Detection> boxes(const std::vector<TruthImage>& truth, uint64_t replication, uint64_t run) {
  Random random(run, "test.two_sources.boxes", replication);
  Random of_patient(0, "test.two_sources.patients", replication);
  const double of_run = .5 * random.next_normal();
  std::vector<Detection> out;
  for (size_t i = 0; i < truth.size(); ++i) {
    const double here = .2 + of_run + .8 * of_patient.next_normal() + .6 * random.next_normal();
    for (const TruthBox& t : truth[i].boxes)
      if (here + random.next_normal() > 0)
        out.push_back({int64_t(i), t.box, normal_cdf(.5 * here + random.next_normal()), 0});
    for (int k = 0; k < 5; ++k) {
      const double x = random.next_uniform(0, 220), y = random.next_uniform(0, 220);
      out.push_back({int64_t(i), {x, y, x + 30, y + 30}, normal_cdf(-.5 + random.next_normal()), 0});
    }
  }
  return out;
}

// Plain against plain with other seeds, five of each, through evaluate() and all that follows.
TEST(TwoSources, SameSystemsThroughTheTrueFigures) {
  constexpr int64_t kTimes = 300;
  const auto truth = films();
  EvaluateOptions options;
  options.draws = 256;
  struct Seen {
    bool method, weights, map;
    SameSystemShare shares;
    VarianceComponents components;
  };
  std::vector<Seen> seen(kTimes);
  parallel_tasks(kTimes, [&](int64_t r) {
    std::vector<Evaluation> runs;
    for (uint64_t s = 0; s < 10; ++s) runs.push_back(evaluate(truth, boxes(truth, uint64_t(r), s), options));
    std::vector<const Evaluation*> all, a, b;
    for (size_t s = 0; s < 10; ++s) {
      all.push_back(&runs[s]);
      (s < 5 ? a : b).push_back(&runs[s]);
    }
    const MethodResult result = compare_methods(a, b);
    const MethodFigure& f = result.figures[kComparedMean];
    seen[size_t(r)] = {f.mixed.interval.p < .05, f.patients.p < .05, result.figures[5].mixed.interval.p < .05,
                       same_system_share(all), method_figures(all).figures[kComparedMean].mixed.components};
  });
  double method = 0, map = 0, weights = 0, pairs = 0, deals = 0, of_seeds = 0, of_patients = 0;
  for (const Seen& s : seen) {
    method += s.method / double(kTimes);
    map += s.map / double(kTimes);
    weights += s.weights / double(kTimes);
    pairs += s.shares.pair_share() / double(kTimes);
    deals += s.shares.deal_share() / double(kTimes);
    of_seeds += s.components.seeds / double(kTimes);
    of_patients += (s.components.patients + s.components.rest) / double(kTimes);
  }
  std::printf(
      "Same systems called different: mixed model %.3f (mAP50 %.3f), of all deals %.3f; weights fixed: five "
      "seeds %.3f, single runs %.3f. SD of the mean between seeds %.3f, over patients %.3f\n",
      method, map, deals, weights, pairs, std::sqrt(of_seeds), std::sqrt(of_patients));
  // 300 replications: one standard error of .05 is .013.
  EXPECT_GT(method, .02);
  EXPECT_LT(method, .09);
  EXPECT_GT(map, .02);
  EXPECT_LT(map, .09);
  EXPECT_GT(deals, .03);
  EXPECT_LT(deals, .07);
  EXPECT_GT(weights, .15) << "the mean over seeds with the seeds taken as the only ones";
  EXPECT_GT(pairs, .3) << "two runs with their weights taken as the method";
}

}  // namespace
}  // namespace cawe::eval
