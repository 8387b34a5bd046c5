// SPDX-License-Identifier: Apache-2.0
// A/A comparisons.
#include "eval/same_system.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "eval/seed_figures.h"
#include "tensor/denormals.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace cawe::eval {
namespace {

constexpr int64_t kMostDeals = 1000;
using Deal = std::vector<int64_t>;  ///< the runs of the first group, then those of the second

/// All ways to deal 2 S runs into two groups, run 0 always in the first; empty where there are more than kMostDeals.
std::vector<Deal> every_deal(int64_t runs) {
  std::vector<Deal> deals;
  std::vector<int> second(size_t(runs), 0);
  std::fill(second.begin() + runs / 2, second.end(), 1);
  do {
    if (int64_t(deals.size()) == kMostDeals) return {};
    Deal deal;
    for (const int group : {0, 1})
      for (int64_t r = 0; r < runs; ++r)
        if (second[size_t(r)] == group) deal.push_back(r);
    deals.push_back(deal);
  } while (std::next_permutation(second.begin() + 1, second.end()));
  return deals;
}

/// The mixed model's p of the second group against the first.
double p_of(const Deal& deal, const std::vector<double>& values,
            const std::vector<std::vector<double>>& covariance, int64_t patients) {
  const size_t seeds = deal.size() / 2;
  const auto first = [&](size_t s) { return size_t(deal[s]); };
  const auto second = [&](size_t s) { return size_t(deal[seeds + s]); };
  std::vector<double> difference;
  std::vector<std::vector<double>> of_differences(seeds, std::vector<double>(seeds));
  for (size_t s = 0; s < seeds; ++s) {
    difference.push_back(values[second(s)] - values[first(s)]);
    for (size_t t = 0; t < seeds; ++t)
      of_differences[s][t] = covariance[second(s)][second(t)] - covariance[second(s)][first(t)] -
                             covariance[first(s)][second(t)] + covariance[first(s)][first(t)];
  }
  return mixed_model(difference, of_differences, patients).interval.p;
}

double share(int64_t part, int64_t of) {
  return of > 0 ? double(part) / double(of) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

double SameSystemShare::pair_share() const { return share(pairs_different, pairs); }
double SameSystemShare::deal_share() const { return share(deals_different, deals); }

SameSystemShare same_system_share(const std::vector<const Evaluation*>& runs, size_t figure, double level,
                                  uint64_t seed) {
  const KeepDenormals exact;
  CAWE_CHECK(runs.size() >= 2 && runs.size() % 2 == 0 && figure < kCompared, Code::internal,
             "A/A comparison of ", runs.size(), " runs (expected an even number of at least 2), figure ",
             figure);
  std::vector<double> values;
  std::vector<std::vector<double>> drawn;
  for (const Evaluation* run : runs) {
    check_same_draws(*runs[0], *run);
    values.push_back(run->compared(figure));
    drawn.push_back(run->drawn[figure]);
  }
  const auto different = [&](double p) { return p <= 1 - level; };
  SameSystemShare result;
  result.runs = int64_t(runs.size());
  for (size_t a = 0; a < runs.size(); ++a)
    for (size_t b = 0; b < a; ++b) {
      const double p = paired_difference(values[a] - values[b], drawn[b], drawn[a], level).p;
      result.pairs += !std::isnan(p);
      result.pairs_different += different(p);
    }
  if (runs[0]->patients < 2) return {};
  if (runs.size() < 4) return result;  // groups of one run have no variance between seeds
  std::vector<Deal> deals = every_deal(int64_t(runs.size()));
  result.every_deal = !deals.empty();
  for (int64_t k = 0; !result.every_deal && k < kMostDeals; ++k)
    deals.push_back(Random(seed, "eval.same_system", uint64_t(k)).permutation(int64_t(runs.size())));
  const auto covariance = draw_covariance(drawn);
  for (const Deal& deal : deals) {
    const double p = p_of(deal, values, covariance, runs[0]->patients);
    result.deals += !std::isnan(p);
    result.deals_different += different(p);
  }
  return result;
}

}  // namespace cawe::eval
