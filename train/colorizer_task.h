// SPDX-License-Identifier: Apache-2.0
// Training a colorizer as a recipe says, and what comes after it.
#pragma once

#include <string>

#include "train/classifier_task.h"

namespace cawe::train {

/// Trains into request.out; then colorizes the images of data.test_folds: results.json, scores.csv,
/// pictures.png there. With data.cross_validate every fold of data.folds is held out once, in a run
/// folder "fold-K" each, and the results are over all images. Returns the summary as JSON.
std::string train_colorizer(Recipe& recipe, const RunRequest& request);

}  // namespace cawe::train
