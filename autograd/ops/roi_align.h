// SPDX-License-Identifier: Apache-2.0
// Features of regions of interest, from the levels of a pyramid.
#pragma once

#include "autograd/variable.h"
#include "tensor/primitives/params.h"

namespace cawe {

/// y[r, c, i, j] = mean of bilinear samples in bin (i, j) of region r, on its level of its image: RoIAlign
/// (He et al. 2017, arXiv 1703.06870), with the numbers of torchvision.ops.roi_align. A sample more than a
/// cell outside is 0. levels[l]: [N, C, H_l, W_l], floating, one dtype; channels-last is the fast layout.
/// rois: f32 [R, 4] (x1, y1, x2, y2) in pixels of the image; place: i32 [R, 2], image and level; level -1 is
/// an empty slot: zeros, no gradient. R is N times the same number: the regions of image 0, then those of
/// image 1, and so on, so that lanes own theirs. Returns [R, C, pooled, pooled]. Gradient by the levels,
/// fixed order of summation. Throws Code::shape, dtype or usage. On a device the values of place are not read
/// for checking: a region whose image or level is wrong counts as an empty slot there.
Variable roi_align(const std::vector<Variable>& levels, const Tensor& rois, const Tensor& place,
                   const RoiAlignParams& p);

}  // namespace cawe
