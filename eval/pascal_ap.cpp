// SPDX-License-Identifier: Apache-2.0
// Pascal VOC's average precision (Everingham et al. 2010; every-point form of VOC 2010 and later).
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "eval/mean_ap.h"

namespace cawe::eval {
namespace {

double voc_iou(BoxD a, BoxD b, bool inclusive) {
  const double one = inclusive ? 1 : 0;
  const double w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1) + one;
  const double h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1) + one;
  if (w <= 0 || h <= 0) return 0;
  const double area_a = (a.width() + one) * (a.height() + one),
               area_b = (b.width() + one) * (b.height() + one);
  return w * h / (area_a + area_b - w * h);
}

}  // namespace

PascalAp pascal_ap(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections,
                   double threshold, bool inclusive_pixels) {
  check_detections(truth, detections);
  const double positives = double(count_lesions(truth));
  if (positives == 0)
    return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
  std::vector<size_t> order(detections.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return detections[a].score > detections[b].score; });
  std::vector<std::vector<bool>> taken(truth.size());
  for (size_t i = 0; i < truth.size(); ++i) taken[i].assign(truth[i].boxes.size(), false);
  std::vector<double> recall, precision;
  double hits = 0;
  for (size_t i : order) {
    const Detection& d = detections[i];
    const std::vector<TruthBox>& boxes = truth[size_t(d.image)].boxes;
    double best = 0;
    size_t match = boxes.size();
    for (size_t g = 0; g < boxes.size(); ++g) {
      if (boxes[g].crowd) continue;
      const double overlap = voc_iou(d.box, boxes[g].box, inclusive_pixels);
      if (overlap > best) {
        best = overlap;
        match = g;
      }
    }
    // The best box decides, even if it is already taken and another one is free: VOC's rule.
    if (match < boxes.size() && best >= threshold && !taken[size_t(d.image)][match]) {
      taken[size_t(d.image)][match] = true;
      hits += 1;
    } else if (in_crowd(truth[size_t(d.image)], d.box)) {
      continue;
    }
    recall.push_back(hits / positives);
    precision.push_back(hits / double(recall.size()));
  }
  for (size_t i = precision.size(); i > 1; --i)
    precision[i - 2] = std::max(precision[i - 2], precision[i - 1]);
  PascalAp result;
  for (int r = 0; r <= 10; ++r) {
    // 0.1 * 6 is slightly above 0.6 in double, so a recall of 9/15 does not reach it: as in the published
    // evaluators.
    const auto at = std::lower_bound(recall.begin(), recall.end(), 0.1 * r);
    if (at != recall.end()) result.eleven_point += precision[size_t(at - recall.begin())] / 11;
  }
  double before = 0;
  for (size_t i = 0; i < recall.size(); ++i) {
    result.every_point += (recall[i] - before) * precision[i];
    before = recall[i];
  }
  return result;
}

}  // namespace cawe::eval
