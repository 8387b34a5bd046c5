// SPDX-License-Identifier: Apache-2.0
// Sensitivities in subgroups of the test set (sex, age group, view) and of its lesions. They describe; groups
// are too small to be compared unless a difference is tested, and rows with few lesions say so.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "eval/evaluate.h"

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
  Interval mean;                 ///< of the four
};

/// One row for each label, in alphabetical order, "not stated" (empty labels) last; no row where no image has
/// a label. `labels` has one entry for each image of `truth`; `seeds` are the detections of each seed of one
/// system. Intervals by patient, as in evaluate(). Throws Error(internal) where sizes do not match, and what
/// evaluate() throws.
std::vector<SubgroupRow> subgroups(const std::string& attribute, const std::vector<TruthImage>& truth,
                                   const std::vector<std::string>& labels,
                                   const std::vector<const std::vector<Detection>*>& seeds,
                                   const EvaluateOptions& options);

/// One row for each name, on the lesions of that group: `group` gives each box of each image the index of its
/// name, or -1. Detections on lesions of other groups count neither as hits nor as false positives; false
/// positives are those of all images. Throws as subgroups() does.
std::vector<SubgroupRow> lesion_groups(const std::string& attribute, const std::vector<std::string>& names,
                                       const std::vector<TruthImage>& truth,
                                       const std::vector<std::vector<int>>& group,
                                       const std::vector<const std::vector<Detection>*>& seeds,
                                       const EvaluateOptions& options);

/// The usual age groups: "0 to 17", "18 to 39", "40 to 64", "65 and over"; "" for NaN or less than 0.
std::string age_group(double years);

}  // namespace cawe::eval
