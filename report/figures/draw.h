// SPDX-License-Identifier: Apache-2.0
// Elements that the study's figures share: pictures in a square, boxes over them, arrows.
#pragma once

#include <string>
#include <vector>

#include "report/figures/figure.h"
#include "tensor/box.h"
#include "tensor/io/format.h"

namespace cawe::report::svg {

/// A picture scaled to fit a square and centred in it.
struct Placed {
  double x = 0, y = 0, width = 0, height = 0;
};
Placed place(const FigurePicture& picture, double x, double y, double side);
std::string picture_at(const FigurePicture& picture, const Placed& at, const std::string& name);
/// Boxes differ in their lines, too, so that they are told apart without colour.
enum class BoxLine { solid, thick, dashed, dotted };
/// A box given in pixels of a frame of frame_width x frame_height that the picture fills.
std::string box_at(const BoxD& box, double frame_width, double frame_height, const Placed& at,
                   const std::string& colour, BoxLine line);
/// The marker for arrow heads, needed once in a drawing. `id` must be unique in the page.
std::string arrow_head(const std::string& id);
std::string arrow(const std::string& path, const std::string& id);

}  // namespace cawe::report::svg
