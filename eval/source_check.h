// SPDX-License-Identifier: Apache-2.0
// How well an image's source (data set, adults or children) can be told from its features. If the AUROC is
// near 1, a detector may reject images by their source, so lesion-free images of another source prove little.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/bootstrap.h"

namespace cawe::eval {

/// How well sources can be told apart.
struct SourceCheck {
  Interval auroc;  ///< of held-out images, interval by patient
  int64_t images[2] = {0, 0};
  int64_t patients = 0, folds = 0;
};

/// Linear discriminant with ridge (standardised features, within-class covariance + 0.1 I), cross-validated
/// by patient in five folds. features: rows x dim; source[i] is 0 or 1. Throws Error(data) with fewer than
/// two patients of either source, Error(numeric) for features that are not finite, Error(unsupported) in a
/// build without Eigen.
SourceCheck source_check(const std::vector<float>& features, int64_t dim, const std::vector<int>& source,
                         const std::vector<std::string>& patients, int64_t draws = kDraws, uint64_t seed = 0);

}  // namespace cawe::eval
