// SPDX-License-Identifier: Apache-2.0
// What evaluate() adds to FROC and mean AP: JAFROC, area under FROC, LROC, the second rule, calibration, a fixed threshold.
#pragma once

#include "eval/evaluate.h"

namespace cawe::eval {

/// These figures are walked draw by draw, and no verdict goes by them: their intervals are of the first so many draws.
constexpr int64_t kFurtherDraws = 2000;

/// Fills these fields from judged detections, with intervals from the first kFurtherDraws of the draws of evaluate().
void add_further_figures(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections,
                         const FrocData& data, const Clusters& clusters, Evaluation* e);

}  // namespace cawe::eval
