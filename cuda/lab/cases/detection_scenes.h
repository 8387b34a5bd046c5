// SPDX-License-Identifier: Apache-2.0
// Boxes and truths that the cases of detection share.
#pragma once

#include <vector>

#include "cuda/lab/cases/case.h"

namespace CAWE_DEVICE {

template <class T>
constexpr Number kNumber = sizeof(T) == 8 ? Number::f64 : Number::f32;

/// Memory that holds something: a kernel has to write its zeros too.
template <class T>
T* written(CaseContext& c, int64_t n) {
  return c.upload(std::vector<T>(size_t(n), T(77)));
}

/// Boxes with an area in a picture of 200 x 150, whole pixels.
template <class T>
std::vector<T> scene_boxes(int64_t n, const char* purpose) {
  Random random(21, purpose);
  std::vector<T> b;
  for (int64_t i = 0; i < n; ++i) {
    const auto x = T(random.next_below(180)), y = T(random.next_below(130));
    b.insert(b.end(), {x, y, x + T(1 + random.next_below(40)), y + T(1 + random.next_below(40))});
  }
  return b;
}

/// [images, rows, 5]: boxes with labels 0, 1, 2, 0 .., regions (-2), then rows without a box (-1), which hold a large one
/// all the same.
template <class T>
std::vector<T> scene_truth(const std::vector<int64_t>& boxes, const std::vector<int64_t>& regions,
                           int64_t rows) {
  const std::vector<T> all = scene_boxes<T>(int64_t(boxes.size()) * rows, "truth");
  std::vector<T> truth;
  for (size_t i = 0; i < boxes.size(); ++i)
    for (int64_t g = 0; g < rows; ++g) {
      const int64_t real = boxes[i], end = real + regions[i];
      const auto from = all.begin() + 4 * (int64_t(i) * rows + g);
      if (g < end)
        truth.insert(truth.end(), from, from + 4);
      else
        truth.insert(truth.end(), {T(0), T(0), T(200), T(150)});
      truth.push_back(g < real ? T(g % 3) : g < end ? T(-2) : T(-1));
    }
  return truth;
}

}  // namespace CAWE_DEVICE
