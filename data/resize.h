// SPDX-License-Identifier: Apache-2.0
// Resizing: plain bilinear, area average, and the antialiased filter that Pillow calls BILINEAR.
#pragma once

#include "data/float_image.h"

namespace cawe::data {

enum class Filter {
  /// Two taps at (d + 0.5) * in / out - 0.5, clamped at the edges (align_corners = false), no antialias: the
  /// way maps are enlarged. Reducing by more than 2 skips pixels.
  bilinear,
  /// Each output is the mean of the input area that it covers. For strong reductions.
  area,
  /// A triangle two output pixels wide when reducing, bilinear when enlarging: Pillow's BILINEAR on mode "F",
  /// also torchvision's antialias = True.
  triangle,
  /// The same in Pillow's 8-bit fixed-point arithmetic: input rounded to n/255, output n/255, byte for byte
  /// what Pillow gives for mode "L" or "RGB" (up to version 12; version 13 takes the vertical pass first
  /// where the height shrinks much more than the width, and single values then differ by 1/255). For
  /// comparisons with programs that resize through Pillow.
  triangle8
};

/// Horizontal pass, then vertical, as Pillow does. Throws shape for an empty input or output.
FloatImage resize(const FloatImage& image, int width, int height, Filter filter);

}  // namespace cawe::data
