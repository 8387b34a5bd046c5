// SPDX-License-Identifier: Apache-2.0
// Area under the receiver operating characteristic (AUROC) of image labels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/bootstrap.h"

namespace cawe::eval {

/// Rank statistic: the probability that a positive scores above a negative, ties counting half. Labels: 1
/// positive, 0 negative, anything else (unknown) left out. NaN where one class is absent.
double auroc(const std::vector<double>& scores, const std::vector<int>& labels);

/// The same with each item counted weights[i] times.
double weighted_auroc(const std::vector<double>& scores, const std::vector<int>& labels,
                      const std::vector<int32_t>& weights);

/// AUROC of several labels with intervals by patient; labels with one class only are left out of the mean and
/// named.
struct LabelAuroc {
  std::string label;
  Interval auroc;
  int64_t positives = 0, negatives = 0;
};
/// AUROC of every label, and their mean.
struct AurocTable {
  std::vector<LabelAuroc> labels;
  Interval mean;
  std::vector<std::string> left_out;
};
/// scores[k][i] and labels[k][i] for label k and image i. Throws Error(internal) where sizes differ.
AurocTable auroc_table(const std::vector<std::string>& names, const std::vector<std::vector<double>>& scores,
                       const std::vector<std::vector<int>>& labels, const Clusters& clusters,
                       int64_t draws = kDraws, uint64_t seed = 0);

}  // namespace cawe::eval
