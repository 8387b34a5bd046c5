// SPDX-License-Identifier: Apache-2.0
// Sensitivities in subgroups of the test set (sex, age group, view) and of its lesions. They describe; groups
// are too small to be compared unless a difference is tested, and rows with few lesions say so.
#pragma once

#include <string>
#include <vector>

#include "eval/evaluate.h"
#include "eval/subgroup_row.h"

namespace cawe::eval {

/// One row for each label, in alphabetical order, "not stated" (empty labels) last; no row where no image has
/// a label. `labels` has one entry for each image of `truth`; `seeds` are the detections of each seed of one
/// system. Intervals by patient, from the first kFurtherDraws (eval/further.h) of the draws of evaluate(). Throws Error(internal) where sizes do not match, and what
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

/// Lesions sorted into groups, for lesion_groups(): the index of each box's name, or -1 (of crowds too).
struct LesionGrouping {
  std::string attribute;
  std::vector<std::string> names;  ///< empty: the attribute is unknown, or does not tell lesions apart
  std::vector<std::vector<int>> group;
  std::vector<double> limits;  ///< of sizes: the highest value of each group but the last
  int64_t left_out = 0;        ///< lesions in no group
};

/// Thirds of the lesions by size: the square root of box area over film area, the mean side as a share of the film's.
/// The limits are the values of the lesions at a third and at two thirds (rank ceil(n/3) and ceil(2n/3)), which belong to the
/// lower group: equal sizes are never parted. Lesions on films of unknown size are left out.
LesionGrouping size_thirds(const std::vector<TruthImage>& truth);
/// COCO's small (area below 32 x 32 pixels), medium (up to 96 x 96) and large, by TruthBox::area. No names where all lesions
/// are of one of them, as on films of full size: then it says nothing.
LesionGrouping coco_sizes(const std::vector<TruthImage>& truth);
/// By each lesion's own label; `names` by label. No names where all lesions have one label, or one has a label without a
/// name.
LesionGrouping by_lesion_label(const std::vector<TruthImage>& truth, const std::vector<std::string>& names);
/// By the label of the lesion's film: a text for each image, "" unknown; names in alphabetical order. Throws
/// Error(internal) where sizes do not match.
LesionGrouping by_film_label(const std::vector<TruthImage>& truth, const std::vector<std::string>& labels);

/// The rows of such a grouping; none without names.
std::vector<SubgroupRow> lesion_groups(const LesionGrouping& grouping, const std::vector<TruthImage>& truth,
                                       const std::vector<const std::vector<Detection>*>& seeds,
                                       const EvaluateOptions& options);

/// The usual age groups: "0 to 17", "18 to 39", "40 to 64", "65 and over"; "" for NaN or less than 0.
std::string age_group(double years);

}  // namespace cawe::eval
