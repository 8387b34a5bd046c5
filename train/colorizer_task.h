// SPDX-License-Identifier: Apache-2.0
// Trains a colorizer from a recipe and evaluates it.
#pragma once

#include <string>

#include "train/classifier_task.h"

namespace cawe::train {

/// Trains into request.out; then colorizes the images of data.test_folds and writes results.json, scores.csv
/// and pictures.png there. With data.cross_validate every fold of data.folds is held out once, each in a run
/// folder "fold-K", and the results are over all images. Returns the summary as JSON.
std::string train_colorizer(Recipe& recipe, const RunRequest& request);

}  // namespace cawe::train
