// SPDX-License-Identifier: Apache-2.0
// Fusion of an image with its attention map: Eq. 7 of the study's paper, and two other ways of giving a detector the
// same map.
#pragma once

#include <string>

#include "tensor/tensor.h"

namespace cawe::models {

/// I_en = alpha I + (1 - alpha) L (.) I = I (alpha + (1 - alpha) L), (.) being the product pixel by pixel.
/// image I [N, 1 or 3, H, W] in [0, 1], before mean and standard deviation are taken; map L [N, 1, H, W] in
/// [0, 1] at the image's resolution; 0 <= alpha <= 1. alpha I <= I_en <= I, so nothing is clamped; alpha = 1
/// returns the image bit by bit. Throws Code::shape, Code::usage (alpha) or Code::numeric (values outside [0,
/// 1]: a normalised image has negative values, which a small L would make brighter instead of darker).
Tensor fuse(const Tensor& image, const Tensor& map, double alpha = 0.5);

/// I_en = I + (1 - alpha) L (.) I (.) (1 - I): the map lifts what it lights up and darkens nothing. Black stays black,
/// white white, the order of two values under one L stays theirs, and I <= I_en <= 1; where I < 1/2, as lungs are, the
/// contrast rises by up to (1 - alpha) L. alpha = 1 returns the image bit by bit. Shapes and errors as fuse().
Tensor lift(const Tensor& image, const Tensor& map, double alpha = 0.5);

/// (I, I, L): the gray film [N, 1, H, W] twice and its map as the third channel of [N, 3, H, W]. The film stays what it
/// is; what the map is worth is the network's to learn. Errors as fuse(); Code::shape where the film has three channels.
Tensor map_as_channel(const Tensor& image, const Tensor& map);

/// Throws Code::numeric where x [N, ..] has values outside [0, 1]; `what` names it.
void check_unit_range(const char* what, const Tensor& x);

}  // namespace cawe::models
