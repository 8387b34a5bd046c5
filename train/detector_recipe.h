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
std::shared_ptr<models::DetectionModel> detector_from(Recipe& recipe, int64_t classes);

/// froc.rule, froc.iou (the rule's threshold), froc.duplicates, froc.interp: what counts as found. Throws
/// usage where they do not fit together.
eval::FrocOptions froc_from(Recipe& recipe);
/// Gives a recipe the keys that froc_from() reads.
void put_froc(const eval::FrocOptions& options, Recipe* recipe);

/// Besides those of backbone_from(): model.channels, model.head_convs, model.anchor_base,
/// model.anchor_scales, model.anchor_ratios, model.p6_from, model.trainable_stages, model.focal_alpha,
/// model.focal_gamma, model.smooth_l1_beta, match.high, match.low, detect.score_threshold, detect.nms_iou,
/// detect.top_k, detect.max_detections.
models::RetinaNetConfig retinanet_from(Recipe& recipe, int64_t classes);
/// Besides those of backbone_from(): model.channels, model.trainable_stages; rpn.anchor_sizes (one a level),
/// rpn.anchor_ratios, rpn.high, rpn.low, rpn.batch, rpn.positive, rpn.before_nms, rpn.after_nms,
/// rpn.before_nms_test, rpn.after_nms_test, rpn.nms_iou; roi.batch, roi.positive, roi.match, roi.hidden,
/// roi.sampling_ratio, roi.aligned, roi.canonical_size, roi.canonical_level, roi.head_init;
/// model.smooth_l1_beta (of both stages); detect.score_threshold, detect.nms_iou, detect.max_detections.
models::FasterRcnnConfig faster_rcnn_from(Recipe& recipe, int64_t classes);

}  // namespace cawe::train
