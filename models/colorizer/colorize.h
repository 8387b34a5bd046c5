// SPDX-License-Identifier: Apache-2.0
// A gray image in, a colour image out: the generator at a square render size, with the input's luminance kept
// (spec 2.8).
#pragma once

#include <string>

#include "models/colorizer/generator.h"

namespace cawe::models {

enum class ColorSpace : uint8_t { yuv, lab };
ColorSpace color_space(const std::string& name);  ///< throws Code::usage
const char* name(ColorSpace space);

struct ColorSettings {
  int64_t render_factor = 32;  ///< the network sees a square of 16 times this
  bool keep_luma = true;       ///< luminance of the input, colour of the network
  ColorSpace space = ColorSpace::yuv;
  double saturation = 1;  ///< share of the network's colour, with keep_luma: 0 is gray
};

/// gray [N, 1, H, W] in [0, 1] (f32) to colour [N, 3, H, W] in [0, 1]: resized to the render size, padded by
/// reflection to a multiple of 32, colorized in evaluation mode without a history, cut and resized back. May
/// be called from several threads once the generator evaluates. Throws Code::shape, Code::usage; memory that
/// runs out is an error, never the input given back.
Tensor colorize(Generator& generator, const Tensor& gray, const ColorSettings& settings = {});

/// x [N, C, H, W] (f32, CPU) continued by reflection to the right and below; the edge is not repeated.
Tensor reflect_pad(const Tensor& x, int64_t height, int64_t width);

}  // namespace cawe::models
