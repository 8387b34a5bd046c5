// SPDX-License-Identifier: Apache-2.0
// Primitives of the family detection; detection.inc lists and explains them.
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace cawe {

/// Weights of the four offsets (dx, dy, dw, dh) of a box, as in Girshick et al. 2014 (arXiv 1311.2524): an
/// offset is multiplied by its weight when coded and divided by it when decoded. 1 for RPN and RetinaNet,
/// (10, 10, 5, 5) for the box head.
struct BoxCoding {
  double wx = 1, wy = 1, ww = 1, wh = 1;
};

/// How anchors are matched to true boxes by their IoU: foreground from `high` on, background below `low`,
/// else left out of the loss. With `low_quality` every true box also gets the anchors that overlap it most,
/// however little that is (Ren et al. 2015, arXiv 1506.01497).
struct MatchParams {
  double high = 0.5, low = 0.4;
  bool low_quality = true;
};

}  // namespace cawe

#define CAWE_FAMILY "tensor/primitives/detection.inc"
#include "tensor/primitives/declare.inc"
