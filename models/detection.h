// SPDX-License-Identifier: Apache-2.0
// What detectors take and return: true boxes, detections, settings of post-processing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tensor/box.h"
#include "tensor/tensor.h"

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

/// What a batch's detections are made of, still where it was computed.
struct FoundOnDevice {
  Tensor numbers;  ///< f32: six for each box of each image, then a mark for each image and kind of mark
  int64_t images = 0, each = 0;  ///< at most so many boxes an image
  std::vector<std::string> marks;  ///< what is not finite where a mark of this kind is NaN
};
/// Brings it to the host in one copy; best first. Throws Code::numeric naming the image where a mark is NaN; `images` are
/// names and may be empty.
std::vector<Detections> to_host(const FoundOnDevice& found, const std::vector<std::string>& images);

}  // namespace cawe::models
