// SPDX-License-Identifier: Apache-2.0
#include "study/frame.h"

#include <algorithm>

namespace cawe::study {

BoxD Frame::placed(const BoxD& box) const {
  const Box b = geometry.to_network({float(box.x1), float(box.y1), float(box.x2), float(box.y2)});
  const auto x = [&](float at) { return std::clamp(double(at), 0.0, width); };
  const auto y = [&](float at) { return std::clamp(double(at), 0.0, height); };
  return {x(b.x1), y(b.y1), x(b.x2), y(b.y2)};
}

std::vector<BoxD> lesions_in(const Frame& frame, const eval::TruthImage& film) {
  std::vector<BoxD> boxes;
  for (const eval::TruthBox& b : film.boxes)
    if (!b.crowd) boxes.push_back(frame.placed(b.box));
  return boxes;
}

std::vector<BoxD> seen(const std::vector<BoxD>& placed) {
  std::vector<BoxD> out;
  for (const BoxD& b : placed)
    if (b.area() > 0) out.push_back(b);
  return out;
}

std::vector<report::ReportBox> seen(const Frame& frame, const std::vector<report::ReportBox>& boxes) {
  std::vector<report::ReportBox> out;
  for (report::ReportBox b : boxes) {
    b.box = frame.placed(b.box);
    if (b.box.area() > 0) out.push_back(b);
  }
  return out;
}

}  // namespace cawe::study
