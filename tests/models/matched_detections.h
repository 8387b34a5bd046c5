// SPDX-License-Identifier: Apache-2.0
// Two detectors' detections of one image as sets: each of one side must have its partner on the other. Only
// neighbours whose scores differ by less than rounding may stand in another order, and are named.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "models/detection.h"

namespace cawe::models::testing {

/// What may lie between a detection and its partner: logits of the scores, and pixels of a side. Logits,
/// since a score near 0 or 1 moves less than what it was made of.
struct DetectionBars {
  double logit = 0, side = 0;
};

inline double logit_of(const Detection& d) {
  return std::log(double(d.score)) - std::log1p(-double(d.score));
}

/// How far the logit moves by an f32 score's own last places: near 1 that says nothing of the network.
inline double score_rounding(const Detection& d) { return 0x1p-23 / (1 - double(d.score)); }

inline double farthest_side(const Box& a, const Box& b) {
  const double sides[] = {a.x1 - b.x1, a.y1 - b.y1, a.x2 - b.x2, a.y2 - b.y2};
  double most = 0;
  for (const double s : sides) most = std::max(most, std::fabs(s));
  return most;
}

/// For each of `ours` the detection of `truth` with its label that lies nearest, each taken once; -1 where
/// none is left.
inline std::vector<int64_t> partners(const Detections& ours, const Detections& truth) {
  std::vector<bool> taken(truth.size(), false);
  std::vector<int64_t> all;
  for (const Detection& d : ours) {
    int64_t best = -1;
    for (size_t k = 0; k < truth.size(); ++k) {
      if (taken[k] || truth[k].label != d.label) continue;
      if (best < 0 || farthest_side(d.box, truth[k].box) < farthest_side(d.box, truth[size_t(best)].box))
        best = int64_t(k);
    }
    if (best >= 0) taken[size_t(best)] = true;
    all.push_back(best);
  }
  return all;
}

/// The largest differences between partners.
inline DetectionBars distance(const Detections& ours, const Detections& truth) {
  DetectionBars far;
  const std::vector<int64_t> partner = partners(ours, truth);
  for (size_t k = 0; k < ours.size(); ++k) {
    if (partner[k] < 0) return {INFINITY, INFINITY};
    const Detection& t = truth[size_t(partner[k])];
    far.logit = std::max(far.logit, std::fabs(logit_of(ours[k]) - logit_of(t)) - score_rounding(t));
    far.side = std::max(far.side, farthest_side(ours[k].box, t.box));
  }
  return far;
}

inline void expect_same_detections(const Detections& ours, const Detections& truth, const DetectionBars& bars,
                                   const std::string& image) {
  EXPECT_EQ(ours.size(), truth.size()) << image;
  const std::vector<int64_t> partner = partners(ours, truth);
  for (size_t k = 0; k < ours.size(); ++k) {
    ASSERT_GE(partner[k], 0) << image << ": detection " << k << " has no partner";
    const Detection &d = ours[k], &t = truth[size_t(partner[k])];
    EXPECT_NEAR(logit_of(d), logit_of(t), bars.logit + score_rounding(t)) << image << ": detection " << k;
    EXPECT_LE(farthest_side(d.box, t.box), bars.side) << image << ": detection " << k;
  }
  for (size_t k = 0; k < ours.size(); ++k)
    for (size_t before = 0; before < k; ++before) {
      if (partner[before] < partner[k]) continue;
      const Detection &a = truth[size_t(partner[k])], &b = truth[size_t(partner[before])];
      const double apart = logit_of(a) - logit_of(b),
                   rounding = 2 * bars.logit + score_rounding(a) + score_rounding(b);
      EXPECT_LE(apart, rounding) << image << ": detections " << before << " and " << k
                                 << " stand in another order and are no tie";
      std::printf("[      tie ] %s: detections %zu and %zu, logits %.3g apart (rounding %.3g)\n",
                  image.c_str(), before, k, apart, rounding);
    }
}

}  // namespace cawe::models::testing
