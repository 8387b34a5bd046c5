// SPDX-License-Identifier: Apache-2.0
// A FROC example worked by hand: four images (A and B of one patient; D without lesion), three patients, four
// lesions, nine detections with every case of the rule: duplicates, an IoU of exactly 0.5, boxes off centre.
#pragma once

#include <vector>

#include "eval/detections.h"

namespace cawe::eval::testing {

inline std::vector<TruthImage> golden_truth() {
  const auto lesion = [](double x1, double y1, double x2, double y2) {
    return TruthBox{{x1, y1, x2, y2}, 0, false, (x2 - x1) * (y2 - y1)};
  };
  std::vector<TruthImage> truth(4);
  truth[0] = {"A", "P1", {lesion(0, 0, 10, 10), lesion(20, 0, 30, 10)}, 64, 64};
  truth[1] = {"B", "P1", {lesion(0, 0, 20, 20)}, 64, 64};
  truth[2] = {"C", "P2", {lesion(5, 5, 15, 15)}, 64, 64};
  truth[3] = {"D", "P3", {}, 64, 64};
  return truth;
}

inline std::vector<Detection> golden_detections() {
  return {{0, {0, 0, 10, 10}, .95, 0},   {3, {0, 0, 8, 8}, .90, 0},   {0, {0, 0, 10, 9}, .85, 0},
          {1, {0, 0, 20, 10}, .80, 0},   {2, {9, 9, 19, 19}, .70, 0}, {0, {21, 0, 31, 10}, .60, 0},
          {3, {30, 30, 40, 40}, .50, 0}, {1, {4, 4, 16, 16}, .40, 0}, {2, {5, 6, 15, 16}, .30, 0}};
}

}  // namespace cawe::eval::testing
