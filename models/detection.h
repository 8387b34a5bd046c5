// SPDX-License-Identifier: Apache-2.0
// What detectors take and return: true boxes, detections, settings of post-processing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tensor/box.h"

namespace cawe::models {

/// Boxes of one image in pixels of the network's input; may be empty. labels[i] in [0, classes). What lies
/// on an ignored region is trained neither as lesion nor as background (COCO crowds, VOC "difficult", cut
/// lesions).
struct Truth {
  std::vector<Box> boxes;
  std::vector<int64_t> labels;
  std::vector<Box> ignored = {};
};

/// One box that a detector reports.
struct Detection {
  Box box;  ///< pixels of the network's input
  float score = 0;
  int64_t label = 0;
};
using Detections = std::vector<Detection>;  ///< of one image, best first

/// The last step from scored boxes to detections.
struct PostprocessSettings {
  /// Detections above it are kept; for FROC lower it (0.001), or the curve ends early.
  double score_threshold = 0.05;
  int64_t top_k_per_level = 1000;  ///< candidates that NMS sees
  double nms_iou = 0.5;
  int64_t max_detections = 300;
};

/// Throws Code::data where a box has no area, is not finite, or a label is out of range; `image` is named.
void check_truth(const Truth& truth, int64_t classes, const std::string& image);

}  // namespace cawe::models
