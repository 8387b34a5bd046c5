// SPDX-License-Identifier: Apache-2.0
// Which anchors are matched with boxes.
#pragma once

#include "tensor/box.h"
#include "tensor/primitives/params.h"

namespace cawe {

/// Whether an anchor takes part in matching: it lies in the image, where `match` gives one; edges may touch.
template <class T>
bool takes_part(const BasicBox<T>& a, const MatchParams& match) {
  return match.width == 0 ||
         (a.x1 >= T(0) && a.y1 >= T(0) && a.x2 <= T(match.width) && a.y2 <= T(match.height));
}

}  // namespace cawe
