// SPDX-License-Identifier: Apache-2.0
// Boxes in other units than pixels from the top left: what can be seen of it.
#include <algorithm>

#include "data/dataset.h"
#include "eval/read_boxes_internal.h"
#include "tensor/error.h"
#include "tensor/text.h"

namespace cawe::eval::detail {

void refuse_shares(const std::string& path, const std::vector<BoxD>& boxes) {
  const bool shares = boxes.size() > 1 && std::all_of(boxes.begin(), boxes.end(), data::is_share);
  CAWE_CHECK(
      !shares, Code::data, path, ": all ", boxes.size(),
      " boxes have an x, y, width and height of 1 or less: are they shares of the film? (expected pixels)");
}

void note_outside(const std::vector<RawDetection>& raw, TruthSet* truth) {
  int64_t outside = 0;
  for (const RawDetection& d : raw) {
    const TruthImage& image = truth->images[size_t(d.detection.image)];
    const BoxD& box = d.detection.box;
    const auto leaves = [](double low, double high, double side) {
      return side > 0 && (low < -data::kBoxSlack || high > side + data::kBoxSlack);
    };
    outside += leaves(box.x1, box.x2, image.width) || leaves(box.y1, box.y2, image.height);
  }
  if (outside > 0)
    truth->notes.push_back(
        cawe::detail::concat(outside, " of ", counted(int64_t(raw.size()), "detection"),
                             outside == 1 ? " leaves its" : " leave their",
                             " film: are they x2,y2 for width,height, or pixels of another size?"));
}

}  // namespace cawe::eval::detail
