// SPDX-License-Identifier: Apache-2.0
// Gray from colour, and colour put back onto a given gray, as DeOldify's last step does (YUV), or in CIE Lab.
#pragma once

#include "tensor/tensor.h"

namespace cawe::models {

// Images are f32 [N, 3 or 1, H, W] on the CPU, in [0, 1], any strides. Throw Code::shape.

/// 0.299 R + 0.587 G + 0.114 B (BT.601): [N, 1, H, W].
Tensor gray_of(const Tensor& rgb);

/// Luminance from `gray`, chrominance (U, V) from `color` times `saturation`: Y = 0.299 R + 0.587 G + 0.114
/// B, U = 0.492 (B - Y), V = 0.877 (R - Y). Clamped to [0, 1]; luminance changes only where that clamps.
Tensor keep_luma(const Tensor& gray, const Tensor& color, double saturation = 1);

/// The same in CIE Lab (sRGB, D65): L of `gray`, a and b of `color`.
Tensor keep_lightness(const Tensor& gray, const Tensor& color, double saturation = 1);

/// CIE Lab of sRGB in [0, 1]: L 0 to 100. And back, clamped to [0, 1].
void rgb_to_lab(const double rgb[3], double lab[3]);
void lab_to_rgb(const double lab[3], double rgb[3]);

}  // namespace cawe::models
