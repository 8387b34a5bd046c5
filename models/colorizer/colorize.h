// SPDX-License-Identifier: Apache-2.0
// A gray image in, a colour image out: the generator runs at a square render size (DeOldify's render factor),
// and the result keeps the input's luminance.
#pragma once

#include <string>

#include "models/colorizer/generator.h"

namespace cawe::models {

enum class ColorSpace : uint8_t { yuv, lab };
ColorSpace color_space(const std::string& name);  ///< throws Code::usage
const char* name(ColorSpace space);

/// Render size, and how the colours are put onto the film.
struct ColorSettings {
  int64_t render_factor = 32;  ///< the network sees a square with sides of 16 times this
  bool keep_luma = true;       ///< luminance of the input, colour of the network
  ColorSpace space = ColorSpace::yuv;
  double saturation = 1;  ///< factor of the network's chrominance, with keep_luma: 0 gives gray
};

/// gray [N, 1, H, W] in [0, 1] (f32) to colour [N, 3, H, W] in [0, 1]: resized to the render size, padded by
/// reflection to a multiple of 32, colorized in evaluation mode without recording gradients, cropped and
/// resized back. May be called from several threads once the generator is in evaluation mode. Throws
/// Code::shape and Code::usage; where memory runs out it throws, too, and never returns the input uncoloured.
Tensor colorize(Generator& generator, const Tensor& gray, const ColorSettings& settings = {});

/// x [N, C, H, W] (f32, CPU) continued by reflection to the right and below; the edge is not repeated.
Tensor reflect_pad(const Tensor& x, int64_t height, int64_t width);

}  // namespace cawe::models
