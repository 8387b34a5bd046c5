// SPDX-License-Identifier: Apache-2.0
// Primitives of the family roi_align; roi_align.inc lists and explains them.
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace cawe {

/// RoIAlign (He et al. 2017, arXiv 1703.06870): a region is cut into pooled x pooled bins, each the mean of
/// sampling_ratio^2 bilinear samples (0: as many per axis as the bin has cells, rounded up). aligned: cell
/// centres lie at half-integer coordinates and regions may be smaller than a cell (detectron2's rule);
/// otherwise a region is at least one cell wide and nothing is shifted by half a cell (torchvision's
/// default).
struct RoiAlignParams {
  int64_t pooled = 7;
  int64_t sampling_ratio = 2;
  bool aligned = false;
  std::vector<double> scales;  ///< of each level: its size / the image's size
};

}  // namespace cawe

#define CAWE_FAMILY "tensor/primitives/roi_align.inc"
#include "tensor/primitives/declare.inc"
