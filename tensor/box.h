// SPDX-License-Identifier: Apache-2.0
// A rectangle in pixels, continuous coordinates, and the one overlap formula of the project.
#pragma once

#include <algorithm>

namespace cawe {

/// [x1, y1, x2, y2] with x2 > x1 and y2 > y1; top-left origin; width is x2 - x1 (no +1).
template <class T>
struct BasicBox {
  T x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  T width() const { return x2 - x1; }
  T height() const { return y2 - y1; }
  T area() const { return (x2 - x1) * (y2 - y1); }
};
using Box = BasicBox<float>;
using BoxD = BasicBox<double>;

template <class T>
T intersection(const BasicBox<T>& a, const BasicBox<T>& b) {
  const T w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  const T h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  return w > 0 && h > 0 ? w * h : T(0);
}

/// inter / (a + b - inter), evaluated in exactly this order; 0 where either box has no area.
template <class T>
T iou(const BasicBox<T>& a, const BasicBox<T>& b) {
  const T inter = intersection(a, b);
  return inter > 0 ? inter / (a.area() + b.area() - inter) : T(0);
}

}  // namespace cawe
