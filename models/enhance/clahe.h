// SPDX-License-Identifier: Apache-2.0
// CLAHE: contrast-limited adaptive histogram equalisation (Zuiderveld 1994, Graphics Gems IV), with OpenCV's
// conventions so that results can be compared.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace cawe::models {

/// Settings of CLAHE.
struct ClaheSettings {
  int64_t tiles_x = 8, tiles_y = 8;  ///< the usual grid
  /// A bin may hold clip_limit times its mean; the excess is spread over all bins. 2 is the customary value
  /// for radiographs; 0 switches the limit off (plain adaptive equalisation).
  double clip_limit = 2.0;
};

/// 8-bit gray, row-major rows x columns; returns as many. Each tile has its own mapping of the 256 levels; a
/// pixel interpolates those of the four nearest tiles bilinearly. Sides that are no multiple of the grid are
/// extended by reflection.
std::vector<uint8_t> clahe_u8(const std::vector<uint8_t>& gray, int64_t rows, int64_t columns,
                              const ClaheSettings& settings = {});

/// gray [N, 1, H, W] in [0, 1] (f32) through 8 bits (round half up of 255 v): [N, 1, H, W] in [0, 1].
Tensor clahe(const Tensor& gray, const ClaheSettings& settings = {});

}  // namespace cawe::models
