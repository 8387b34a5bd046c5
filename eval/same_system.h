// SPDX-License-Identifier: Apache-2.0
// A/A: how often two tests call runs of one and the same system different. A test of methods at level .05 should in one
// of twenty; a test that takes weights as fixed does far more often, because it tests weights.
#pragma once

#include <cstdint>
#include <vector>

#include "eval/evaluate.h"

namespace cawe::eval {

struct SameSystemShare {
  int64_t runs = 0;
  int64_t pairs = 0, pairs_different = 0;  ///< of single runs, by the bootstrap over patients
  int64_t deals = 0,
          deals_different = 0;  ///< of all runs into two groups, by the mixed model over seeds and patients
  bool every_deal = false;      ///< all ways to deal them were tried, not a sample
  /// NaN where the figure is undefined.
  double pair_share() const;
  double deal_share() const;
};

/// `runs`: 2 S evaluations of one system that differ in their seed alone (plain, then plain with other seeds). With S = 1 there are no groups to deal.
/// Single runs: every pair, the p of paired_difference() at most 1 - level. Groups: the runs are dealt into two groups of
/// S, paired by position, and the p of mixed_model() is at most 1 - level; all ways to deal them, each in the order of
/// `runs`, where these are at most 1,000, else 1,000 drawn orders, the k-th from the stream (seed, "eval.same_system", k).
/// `figure` is one of kCompared. Throws Error(internal) where there are no such runs or their draws differ.
SameSystemShare same_system_share(const std::vector<const Evaluation*>& runs, size_t figure = kComparedMean,
                                  double level = 0.95, uint64_t seed = 0);

}  // namespace cawe::eval
