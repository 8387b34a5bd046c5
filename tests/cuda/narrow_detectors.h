// SPDX-License-Identifier: Apache-2.0
// Detectors so narrow that a step takes no time on the emulated device; for films of 64 x 64.
#pragma once

#include "models/faster_rcnn.h"
#include "models/retinanet.h"

namespace cawe::testing {

inline models::RetinaNetConfig narrow_retinanet() {
  models::RetinaNetConfig c;
  c.backbone.depth = 18;
  c.backbone.width = 4;
  c.channels = 8;
  c.head_convs = 1;
  c.anchors = models::anchor_pyramid(5, 12, {1, 1.26, 1.59}, false);
  return c;
}

inline models::FasterRcnnConfig narrow_faster_rcnn() {
  models::FasterRcnnConfig c;
  c.backbone.depth = 18;
  c.backbone.width = 4;
  c.channels = 8;
  c.rpn.anchors = models::anchor_pyramid(5, 8, {1}, false);
  c.rpn.sampling.count = 64;
  c.rpn.train = {40, 30};
  c.roi.sampling.count = 16;
  c.roi.hidden = 16;
  c.roi.canonical_size = 28;
  return c;
}

}  // namespace cawe::testing
