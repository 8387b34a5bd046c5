// SPDX-License-Identifier: Apache-2.0
#include "study/fold_scores.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"

namespace cawe::study {

FoldScores fold_scores(const std::string& name) {
  return name == "apart" ? FoldScores::apart : FoldScores::pooled;
}

std::vector<eval::Detection> ranked_in_folds(const std::vector<eval::Detection>& detections,
                                             const std::vector<size_t>& fold_of) {
  const size_t folds = fold_of.empty() ? 0 : *std::max_element(fold_of.begin(), fold_of.end()) + 1;
  std::vector<int64_t> films(folds, 0);
  for (const size_t fold : fold_of) ++films[fold];
  std::vector<std::vector<double>> scores(folds);  // of each fold, falling
  for (size_t i = 0; i < detections.size(); ++i) {
    const eval::Detection& d = detections[i];
    CAWE_CHECK(d.image >= 0 && size_t(d.image) < fold_of.size(), Code::internal, "detection ", i,
               " is of film ", d.image, " of ", fold_of.size());
    CAWE_CHECK(!std::isnan(d.score), Code::data, "detection ", i, " has no score (expected a number)");
    scores[fold_of[size_t(d.image)]].push_back(d.score);
  }
  for (std::vector<double>& of_fold : scores) std::sort(of_fold.begin(), of_fold.end(), std::greater<>());
  std::vector<eval::Detection> ranked = detections;
  for (eval::Detection& d : ranked) {
    const size_t fold = fold_of[size_t(d.image)];
    const auto end = std::upper_bound(scores[fold].begin(), scores[fold].end(), d.score, std::greater<>());
    d.score = 1 / (1 + double(end - scores[fold].begin()) / double(films[fold]));
  }
  return ranked;
}

}  // namespace cawe::study
