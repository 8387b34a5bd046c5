// SPDX-License-Identifier: Apache-2.0
// Scores of a cross-validation: every fold has a detector of its own, and nothing makes their scores comparable.
#pragma once

#include <string>
#include <vector>

#include "eval/detections.h"

namespace cawe::study {

/// How boxes of several folds are put in one order before they are judged together.
enum class FoldScores : uint8_t {
  pooled,  ///< by their scores as they are
  apart    ///< by their place among the boxes of their own fold, see ranked_in_folds()
};
FoldScores fold_scores(const std::string& name);

/// The same boxes, each with 1 / (1 + b) for its score, b being how many boxes per film its own fold's detector gives with
/// that score or a higher one. The order within a fold stays, with its ties; between folds a common threshold is now one at
/// which all detectors give equally many boxes per film, so that a sensitivity is the mean of the folds' own, weighted by
/// lesions. No truth is looked at: taking false positives per film instead would choose each fold's threshold by its test
/// films' lesions, which sensitivities at N bear and mean AP does not. What it gives is a rank, no probability.
/// `fold_of`: the fold of each film, which detections name by place; folds are counted from 0.
std::vector<eval::Detection> ranked_in_folds(const std::vector<eval::Detection>& detections,
                                             const std::vector<size_t>& fold_of);

/// What stands beside figures that were made so.
constexpr const char* kRankedInFolds =
    "every fold has a detector of its own: a score is 1 / (1 + boxes per film of its fold at that score or a "
    "higher one)";

}  // namespace cawe::study
