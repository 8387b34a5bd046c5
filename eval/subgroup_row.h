// SPDX-License-Identifier: Apache-2.0
// A subgroup's figures: what subgroups.h makes, and what an Evaluation holds of the sizes and findings of its lesions.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include "eval/bootstrap.h"

namespace cawe::eval {

/// Below this many lesions a group's figures are marked.
inline constexpr int64_t kFewLesions = 20;

/// The images with one value of an attribute, or all images and one group of their lesions. False positives
/// are counted on the row's images. Figures are NaN where the group has no lesion.
struct SubgroupRow {
  std::string attribute;  ///< "sex"
  std::string group;      ///< "F"; "not stated" for images without a label
  int64_t images = 0, patients = 0, lesions = 0;
  bool few = false;              ///< fewer than kFewLesions lesions
  std::array<Interval, 4> sens;  ///< at 1, 2, 3, 4 false positives per image, seeds averaged
  /// Of a group of lesions: how many are not found at the threshold that gives one false positive per image over all
  /// lesions, mean over seeds; NaN for other groups.
  double missed = std::numeric_limits<double>::quiet_NaN();
  Interval mean;  ///< of the four
};

}  // namespace cawe::eval
