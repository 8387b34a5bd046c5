// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

constexpr int kMostRoiLevels = 8, kMostRoiBins = 64;

/// A level of a pyramid: channels-last [n, h, w, c], 16-byte aligned. The forward pass reads it, the gradient
/// overwrites it.
struct RoiLevel {
  void* data;
  int h, w;
  double scale;  ///< its size / the image's size
};

/// The levels of one pyramid: n images, c channels, one element type.
struct RoiPyramid {
  RoiLevel level[kMostRoiLevels];
  int levels;
  int64_t n, c;
};

/// rois: f32 [count, 4], 16-byte aligned; place: i32 [count, 2], image and level. A region whose image or
/// level does not exist is an empty slot. Regions are ordered by image, count / n for each.
struct RoiList {
  const float* rois;
  const int32_t* place;
  int64_t count;
};

/// pooled: bins along each axis, at most kMostRoiBins; sampling: samples of a bin along each axis, 0: as many
/// as it has cells.
struct RoiRule {
  int pooled, sampling;
  bool aligned;
};

/// Bytes of device memory that either call needs.
int64_t roi_align_scratch(Number number, const RoiPyramid& pyramid, int64_t regions, const RoiRule& rule);

/// y [count, pooled, pooled, c] = means of the bins of each region (torchvision's roi_align). Fewer than 2^31
/// numbers.
void roi_align(Number number, const RoiPyramid& pyramid, const RoiList& list, const RoiRule& rule, void* y,
               void* scratch, DeviceStream stream);
/// The levels of the pyramid = the gradient by them; dy as y above. At most 65535 images.
void roi_align_grad(Number number, const void* dy, const RoiList& list, const RoiRule& rule,
                    const RoiPyramid& pyramid, void* scratch, DeviceStream stream);

}  // namespace CAWE_DEVICE
