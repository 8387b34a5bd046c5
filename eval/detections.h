// SPDX-License-Identifier: Apache-2.0
// The input of every detection metric: the true boxes of a test set and a system's detections, in memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tensor/box.h"

namespace cawe::eval {

/// One true box in pixels of the original image. `crowd` marks a region in which detections count neither as
/// hits nor as false positives (COCO's iscrowd, an ignore region). `area` is the area for COCO's size ranges
/// (a mask's area in COCO files).
struct TruthBox {
  BoxD box;
  int64_t label = 0;
  bool crowd = false;
  double area = 0;
};

/// One test image. An image without boxes is lesion-free and counts as one. width and height are 0 where
/// unknown.
struct TruthImage {
  std::string id;
  std::string patient;
  std::vector<TruthBox> boxes;
  double width = 0, height = 0;
};

/// One detection. `image` indexes the vector of TruthImage; the order of detections decides ties.
struct Detection {
  int64_t image = 0;
  BoxD box;
  double score = 0;
  int64_t label = 0;
};

/// Checks indices, boxes and scores once for all metrics. Throws Error(data) naming the detection.
void check_detections(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections);

/// True for a detection mostly inside a crowd region, which counts neither as a hit nor as a false positive.
bool in_crowd(const TruthImage& image, const BoxD& detection);

/// Number of true boxes that are not crowd regions.
int64_t count_lesions(const std::vector<TruthImage>& truth);

/// For each image the index of its patient, patients numbered in order of appearance; an image without a
/// patient is its own. `count` receives the number of patients.
std::vector<int64_t> patient_index(const std::vector<TruthImage>& truth, int64_t* count);

}  // namespace cawe::eval
