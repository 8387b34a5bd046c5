// SPDX-License-Identifier: Apache-2.0
// Shared by read_boxes.cpp and read_coco.cpp only.
#pragma once

#include <string>
#include <vector>

#include "eval/read_boxes.h"

namespace cawe::eval::detail {

/// A detection before its label is looked up. `where` names its row within the file.
struct RawDetection {
  Detection detection;
  std::string label, where;
};

/// File name without folder and extension.
std::string stem(const std::string& name);
/// Registers `key` as a name of the image; a key of two images names none.
void add_key(TruthSet* truth, const std::string& key, int64_t image);
/// Checks that sides are positive and the box is in its image where the size is known (up to one pixel
/// outside is clipped and counted).
void check_truth_box(const std::string& where, TruthImage* image, BoxD* box, int64_t* clipped);

TruthSet read_coco_truth(const std::string& path);
std::vector<RawDetection> read_coco_detections(const std::string& path, const TruthSet& truth);

}  // namespace cawe::eval::detail
