// SPDX-License-Identifier: Apache-2.0
// Detectors from a recipe: which there are, and their keys.
#pragma once

#include <memory>
#include <string>

#include "eval/froc.h"
#include "models/faster_rcnn.h"
#include "models/retinanet.h"
#include "train/recipe.h"

namespace cawe::train {

/// Values of the key `task` that are detectors, in the order of the paper's table.
const Strings& detector_tasks();
bool is_detector(const std::string& task);
/// "Faster R-CNN", "RetinaNet".
std::string detector_title(const std::string& task);

/// The network that recipe key `task` names, not initialised. `classes`: foreground ones.
std::shared_ptr<models::DetectionModel> detector_from(const Recipe& recipe, int64_t classes);

/// Names of eval::FrocRule, in its order.
const Strings& froc_rules();
/// froc.rule, froc.iou (the threshold of a rule that takes one), froc.duplicates, froc.interp: what counts as found. Throws
/// usage where they do not fit together.
eval::FrocOptions froc_from(const Recipe& recipe);
/// Gives a recipe the keys that froc_from() reads.
void put_froc(const eval::FrocOptions& options, Recipe* recipe);

/// Keys of [model], [match] and [detect].
models::RetinaNetConfig retinanet_from(const Recipe& recipe, int64_t classes);
/// Keys of [model], [rpn] (proposals), [roi] (the box head) and [detect]; model.smooth_l1_beta is of both
/// stages.
models::FasterRcnnConfig faster_rcnn_from(const Recipe& recipe, int64_t classes);
/// Builds what the network would be made from, and nothing else. Throws usage where its keys do not fit
/// together.
void check_detector(const Recipe& recipe);

}  // namespace cawe::train
