// SPDX-License-Identifier: Apache-2.0
// AUROC by ranks.
#include "eval/auroc.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "tensor/denormals.h"
#include "tensor/error.h"

namespace cawe::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Indices of the items with a known label, by rising score.
std::vector<size_t> rank_order(const std::vector<double>& scores, const std::vector<int>& labels) {
  CAWE_CHECK(scores.size() == labels.size(), Code::internal, "auroc: ", scores.size(), " scores, ",
             labels.size(), " labels");
  std::vector<size_t> order;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (labels[i] != 0 && labels[i] != 1) continue;
    CAWE_CHECK(std::isfinite(scores[i]), Code::numeric, "auroc: score ", i, " is ", scores[i],
               " (expected a finite number)");
    order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  return order;
}

double auroc_in_order(const std::vector<size_t>& order, const std::vector<double>& scores,
                      const std::vector<int>& labels, const std::vector<int32_t>& weights) {
  double negatives_below = 0, positives = 0, wins = 0;
  for (size_t i = 0; i < order.size();) {
    double tied_positives = 0, tied_negatives = 0;
    const double score = scores[order[i]];
    for (; i < order.size() && scores[order[i]] == score; ++i)
      (labels[order[i]] == 1 ? tied_positives : tied_negatives) += weights[order[i]];
    wins += tied_positives * (negatives_below + 0.5 * tied_negatives);
    negatives_below += tied_negatives;
    positives += tied_positives;
  }
  return positives > 0 && negatives_below > 0 ? wins / (positives * negatives_below) : kNaN;
}

/// auroc_in_order() of the draws of a block. The sums are whole numbers and halves, the same in any order.
void auroc_of_block(const std::vector<size_t>& order, const std::vector<double>& scores,
                    const std::vector<int>& labels, const DrawBlock& block, double* out) {
  using Lanes = std::array<double, kDrawBlock>;
  Lanes negatives_below{}, positives{}, wins{};
  for (size_t i = 0; i < order.size();) {
    Lanes tied[2] = {};  // negatives, positives
    const double score = scores[order[i]];
    for (; i < order.size() && scores[order[i]] == score; ++i) {
      const int32_t* weights = block.of_item(int64_t(order[i]));
      Lanes& sum = tied[labels[order[i]]];
      for (size_t lane = 0; lane < kDrawBlock; ++lane) sum[lane] += weights[lane];
    }
    for (size_t lane = 0; lane < kDrawBlock; ++lane) {
      wins[lane] += tied[1][lane] * (negatives_below[lane] + 0.5 * tied[0][lane]);
      negatives_below[lane] += tied[0][lane];
      positives[lane] += tied[1][lane];
    }
  }
  for (size_t lane = 0; lane < kDrawBlock; ++lane) {
    const double pairs = positives[lane] * negatives_below[lane];
    out[lane] = pairs > 0 ? wins[lane] / pairs : kNaN;
  }
}

}  // namespace

double weighted_auroc(const std::vector<double>& scores, const std::vector<int>& labels,
                      const std::vector<int32_t>& weights) {
  const KeepDenormals exact;
  CAWE_CHECK(weights.size() == scores.size(), Code::internal, "auroc: ", weights.size(), " weights");
  return auroc_in_order(rank_order(scores, labels), scores, labels, weights);
}

double auroc(const std::vector<double>& scores, const std::vector<int>& labels) {
  return weighted_auroc(scores, labels, std::vector<int32_t>(scores.size(), 1));
}

AurocTable auroc_table(const std::vector<std::string>& names, const std::vector<std::vector<double>>& scores,
                       const std::vector<std::vector<int>>& labels, const Clusters& clusters, int64_t draws,
                       uint64_t seed) {
  const KeepDenormals exact;
  CAWE_CHECK(names.size() == scores.size() && names.size() == labels.size() && !names.empty(), Code::internal,
             "auroc: ", names.size(), " names, ", scores.size(), " score rows, ", labels.size(),
             " label rows");
  std::vector<std::vector<size_t>> orders;
  for (size_t k = 0; k < names.size(); ++k) orders.push_back(rank_order(scores[k], labels[k]));
  const auto all = [&](const DrawBlock& block, double* values) {
    double* mean = values + int64_t(names.size()) * kDrawBlock;
    std::array<int64_t, kDrawBlock> used{};
    std::fill_n(mean, kDrawBlock, 0.0);
    for (size_t k = 0; k < names.size(); ++k) {
      double* own = values + int64_t(k) * kDrawBlock;
      auroc_of_block(orders[k], scores[k], labels[k], block, own);
      for (size_t lane = 0; lane < kDrawBlock; ++lane) {
        mean[lane] += std::isnan(own[lane]) ? 0 : own[lane];
        used[lane] += !std::isnan(own[lane]);
      }
    }
    for (size_t lane = 0; lane < kDrawBlock; ++lane)
      mean[lane] = used[lane] > 0 ? mean[lane] / double(used[lane]) : kNaN;
  };
  const int64_t figures = int64_t(names.size()) + 1;
  const std::vector<double> point = of_whole_set(clusters, figures, all);
  const auto drawn = bootstrap_blocks(clusters, figures, all, draws, seed);
  AurocTable table;
  for (size_t k = 0; k < names.size(); ++k) {
    LabelAuroc row{names[k], percentile_interval(point[k], drawn[k]), 0, 0};
    row.positives = std::count(labels[k].begin(), labels[k].end(), 1);
    row.negatives = std::count(labels[k].begin(), labels[k].end(), 0);
    if (std::isnan(point[k])) table.left_out.push_back(names[k]);
    table.labels.push_back(row);
  }
  table.mean = percentile_interval(point.back(), drawn.back());
  return table;
}

}  // namespace cawe::eval
