// SPDX-License-Identifier: Apache-2.0
// Figure 5: reliability diagrams: how often what has a score is right.
#pragma once

#include <string>
#include <vector>

#include "data/units.h"
#include "eval/calibration.h"
#include "report/figures/figure.h"

namespace cawe::report {

/// One panel: bins of equal width.
struct ReliabilityPanel {
  std::string title;  ///< "RetinaNet, plain, seed 0"
  std::string items;  ///< what has scores: "boxes", "films"
  eval::Reliability bins;
  std::string undefined;  ///< why there is nothing to draw; else empty
};

/// Named "figure5". Each panel has the mean score of a bin on x, the share that is right on y with its interval, the
/// diagonal on which both are equal, and below how many items each bin has; its calibration error (ECE) stands in it. CSV:
/// panel,title,items_are,bin_low,bin_high,items,right,mean_score,share,low,high. Throws Error(internal) without a panel.
Figure figure_reliability(const std::vector<ReliabilityPanel>& panels, const std::string& about,
                          data::FilmUnit unit = data::FilmUnit::patient);

}  // namespace cawe::report
