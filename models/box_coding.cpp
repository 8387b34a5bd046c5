// SPDX-License-Identifier: Apache-2.0
#include "models/box_coding.h"

#include <cmath>

#include "models/detection.h"
#include "tensor/error.h"

namespace cawe::models {

std::array<float, 4> encode_box(const Box& box, const Box& anchor, const BoxCoding& coding) {
  const float aw = anchor.width(), ah = anchor.height(), gw = box.width(), gh = box.height();
  const float ax = anchor.x1 + 0.5f * aw, ay = anchor.y1 + 0.5f * ah;
  const float gx = box.x1 + 0.5f * gw, gy = box.y1 + 0.5f * gh;
  return {float(coding.wx) * (gx - ax) / aw, float(coding.wy) * (gy - ay) / ah,
          float(coding.ww) * std::log(gw / aw), float(coding.wh) * std::log(gh / ah)};
}

void check_truth(const Truth& truth, int64_t classes, const std::string& image) {
  CAWE_CHECK(truth.labels.size() == truth.boxes.size(), Code::data, image, ": ", truth.boxes.size(),
             " boxes with ", truth.labels.size(), " labels");
  for (size_t i = 0; i < truth.boxes.size(); ++i) {
    const Box& b = truth.boxes[i];
    const bool finite =
        std::isfinite(b.x1) && std::isfinite(b.y1) && std::isfinite(b.x2) && std::isfinite(b.y2);
    CAWE_CHECK(finite && b.x2 > b.x1 && b.y2 > b.y1, Code::data, image, ": box ", i, " is (", b.x1, ", ",
               b.y1, ", ", b.x2, ", ", b.y2, ") (expected finite corners and an area)");
    CAWE_CHECK(truth.labels[i] >= 0 && truth.labels[i] < classes, Code::data, image, ": box ", i,
               " has label ", truth.labels[i], " (expected 0 to ", classes - 1, ")");
  }
}

}  // namespace cawe::models
