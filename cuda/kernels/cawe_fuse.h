// SPDX-License-Identifier: Apache-2.0
// From features to an enhanced image: the paper's map (Eq. 2), its range when up-sampled, fusion (Eq. 7).
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// map[n, cell] = ReLU(sum over c of w[n, c] f[n, c, cell]), Eq. 2 of the study's paper. w [n, c]; f [n, c,
/// cells], or [n, cells, c] where channels_last; map [n, cells]; all of one type. A NaN sum gives 0, as on
/// the CPU.
void cawe_map(Number number, const void* w, const void* f, void* map, int64_t n, int64_t c, int64_t cells,
              bool channels_last, DeviceStream stream);

/// Range of each image's up-sampled map, in the accumulator type: f32, or f64 for f64.
struct MapRange {
  void* low;          ///< [n] smallest value of the image-sized map; NaN where any value is not finite
  void* high;         ///< [n] largest
  int32_t* constant;  ///< [n] 1 where the map must not be stretched: high - low <= 1e-8 max(1, high), or NaN
  uint32_t* tickets;  ///< [n] all 0 before the first launch; every launch leaves them 0
};

/// The first of two launches that enhance images: cawe_map, with the map in the accumulator type, and the
/// range of the map as resize_bilinear would up-sample it to height x width, bit by bit. Nothing of that size
/// is stored.
void cawe_map_extremes(Number number, const void* w, const void* f, void* map, const MapRange& range,
                       Dims4 features, bool channels_last, int64_t height, int64_t width,
                       DeviceStream stream);

/// The second: y = x (alpha + (1 - alpha) m), m = (up-sampled map - low) / (high - low), or `fill` where
/// range.constant. x, y: NCHW; map [n, map_h, map_w] in the accumulator type.
void cawe_enhance(Number number, const void* x, const void* map, const MapRange& range, double alpha,
                  double fill, void* y, Dims4 image, int64_t map_h, int64_t map_w, DeviceStream stream);

/// y = x (alpha + (1 - alpha) map), the paper's Eq. 7; map [n, h, w] is shared by all channels; x and y NCHW
/// or NHWC in memory, all of one type.
void cawe_fuse(Number number, const void* x, const void* map, double alpha, void* y, Dims4 image,
               bool channels_last, DeviceStream stream);

}  // namespace CAWE_DEVICE
