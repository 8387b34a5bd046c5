// SPDX-License-Identifier: Apache-2.0
// Sensitivities of a block of bootstrap draws: the judged detections are walked once for all of them, and no further
// than the last false positive rate that is asked for.
#pragma once

#include <cstdint>
#include <vector>

#include "eval/bootstrap.h"
#include "eval/froc.h"

namespace cawe::eval {

/// Sens@fps of a judged set (fps ascending), for a BlockStatistic: the same bits as weighted_sens() draw by draw.
class FrocDraws {
 public:
  FrocDraws(const FrocData& data, const std::vector<double>& fps);
  /// Writes out[k * kDrawBlock + lane] for each of fps; NaN where no lesion was drawn. Safe from several threads.
  void sens(const DrawBlock& block, double* out) const;

 private:
  /// A detection that finds lesions or is false. What is known of its point (the detections of one score) is in the
  /// last one of it.
  struct Step {
    int64_t image;
    int32_t found;
    bool false_positive, point_finds, point_is_false;
  };
  void walk(const DrawBlock& block, double* out) const;

  FrocData data_;
  std::vector<double> fps_;
  std::vector<Step> steps_;
  std::vector<int64_t> counted_;  ///< of each image: what its steps add to either counter
};

}  // namespace cawe::eval
