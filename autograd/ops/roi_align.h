// SPDX-License-Identifier: Apache-2.0
// RoIAlign: fixed-size features of boxes, from the pyramid level that each belongs to.
#pragma once

#include <vector>

#include "autograd/variable.h"
#include "tensor/backend.h"

namespace cawe {

/// Means of bilinear samples in pooled x pooled cells of each box (He et al. 2017, arXiv 1703.06870, section
/// 3; torchvision.ops.roi_align's rules). levels[l]: [N, C, H_l, W_l]; rois (f32) [R, 4]: x1, y1, x2, y2 in
/// pixels of the image; place (i32) [R, 2]: image and level, level -1 for an empty slot, whose features are
/// 0. Every image has R / N boxes, in the images' order. Returns [R, C, pooled, pooled]. Gradients by the
/// levels. Throws Code::shape, Code::dtype, Code::usage.
Variable roi_align(const std::vector<Variable>& levels, const Tensor& rois, const Tensor& place,
                   const RoiAlignParams& p);

}  // namespace cawe
