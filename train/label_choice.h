// SPDX-License-Identifier: Apache-2.0
// Which of the data's labels a classifier learns, and which of its labels a map may show.
#pragma once

#include <string>
#include <vector>

#include "data/sample.h"
#include "train/recipe.h"

namespace cawe::train {

/// What data.labels (these alone, in this order) and data.without_labels (all but these) leave of the data's labels.
/// Throws usage for a label that the data do not have or that stands twice, and where none is left.
void choose_labels(const Recipe& recipe, data::Dataset* dataset);

/// Whether a label says that nothing was found, so that it has no place in a film: "No Finding" (CheXpert), "Normal" (RSNA),
/// "Healthy", also in other cases, in the plural and with "_" for a blank. RSNA's "No Lung Opacity / Not Normal" says
/// that there is something else, and is none of them.
bool says_nothing_found(const std::string& label);

/// cam.exclude_labels where a recipe does not say it: those labels of a classifier. Throws, as `blame` says, where it has
/// no other.
Strings labels_without_place(const Strings& labels, Code blame, const std::string& source);

}  // namespace cawe::train
