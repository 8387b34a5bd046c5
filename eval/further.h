// SPDX-License-Identifier: Apache-2.0
// What evaluate() adds to FROC and mean AP: JAFROC, area under FROC, LROC, the second rule, calibration, a fixed threshold.
#pragma once

#include "eval/evaluate.h"

namespace cawe::eval {

/// These figures are walked draw by draw, and no verdict goes by them: their intervals are of the first so many draws.
constexpr int64_t kFurtherDraws = 2000;

/// The figures whose draws are kept, so that an interval over several seeds can be made: Evaluation::further_drawn.
enum FurtherKept : size_t {
  kKeptWafroc,
  kKeptJafroc,
  kKeptFrocArea,  ///< to kKeptAreaLimit
  kKeptLroc,
  kKeptLenientMean,
  kKeptEce,
  kKeptSensitivityAtThreshold,
  kKeptFpAtThreshold,
  kFurtherKept
};
constexpr double kKeptAreaLimit = 4;

/// Fills these fields from judged detections, with intervals from the first kFurtherDraws of the draws of evaluate().
void add_further_figures(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections,
                         const FrocData& data, const Clusters& clusters, Evaluation* e);

}  // namespace cawe::eval
