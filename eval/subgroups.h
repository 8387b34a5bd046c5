// SPDX-License-Identifier: Apache-2.0
// Sensitivities within parts of the test set (sex, age group, view) and among parts of its lesions. They
// describe; they are too small to compare unless a difference is tested, and say so where lesions are few.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "eval/evaluate.h"

namespace cawe::eval {

/// Below this many lesions a group's figures are marked.
inline constexpr int64_t kFewLesions = 20;

/// Images of one value of an attribute, or all images and some of their lesions. False positives per image
/// are counted within the group. Figures are NaN where the group has no lesion.
struct SubgroupRow {
  std::string attribute;  ///< "sex"
  std::string group;      ///< "F"; "not stated" for images without a label
  int64_t images = 0, patients = 0, lesions = 0;
  bool few = false;              ///< fewer than kFewLesions lesions
  std::array<Interval, 4> sens;  ///< at 1, 2, 3, 4 false positives per image, seeds averaged
  Interval mean;                 ///< of the four
};

/// One row a label, labels in alphabetical order, "not stated" (empty labels) last; none where no image has a
/// label. `labels` has one entry an image of `truth`; `seeds` are the detections of each seed of one system.
/// Intervals by patient, as in evaluate(). Throws Error(internal) where sizes do not match, and what
/// evaluate() throws.
std::vector<SubgroupRow> subgroups(const std::string& attribute, const std::vector<TruthImage>& truth,
                                   const std::vector<std::string>& labels,
                                   const std::vector<const std::vector<Detection>*>& seeds,
                                   const EvaluateOptions& options);

/// One row a name, among the lesions of that group: `group` gives each box of each image a number, -1 for
/// none. Boxes on lesions of other groups are neither right nor wrong, false positives are those of all
/// images. Throws as subgroups() does.
std::vector<SubgroupRow> lesion_groups(const std::string& attribute, const std::vector<std::string>& names,
                                       const std::vector<TruthImage>& truth,
                                       const std::vector<std::vector<int>>& group,
                                       const std::vector<const std::vector<Detection>*>& seeds,
                                       const EvaluateOptions& options);

/// The usual age groups: "0 to 17", "18 to 39", "40 to 64", "65 and over"; "" for NaN or less than 0.
std::string age_group(double years);

}  // namespace cawe::eval
