// SPDX-License-Identifier: Apache-2.0
// From a decoded picture to what a network sees of it: fitting and augmenting.
#pragma once

#include <cstdint>
#include <vector>

#include "data/float_image.h"
#include "data/resize.h"
#include "tensor/box.h"

namespace cawe::data {

enum class Fit {
  stretch,  ///< both sides to the target size; the aspect ratio may change
  pad,      ///< the longer side fits, the rest at the right or bottom is filled with 0
  crop      ///< the shorter side fits, the longer one is cut equally at both ends
};

/// Where original pixels went: network = (original - offset) * scale.
struct Geometry {
  float scale_x = 1, scale_y = 1;
  float offset_x = 0, offset_y = 0;  ///< original pixels cut off at the left and the top
  Box to_network(const Box& box) const;
  Box to_original(const Box& box) const;
};

/// Where fit_image() puts the pixels of a picture of image_width x image_height.
Geometry fit_geometry(int image_width, int image_height, int width, int height, Fit fit);

/// Resizes to exactly width x height.
FloatImage fit_image(const FloatImage& image, int width, int height, Fit fit, Filter filter,
                     Geometry* geometry);

/// Random changes of a training image. Lengths are fractions of half a side, as in affine_grid's -1 to 1.
struct AugmentOptions {
  double flip = 0.5;    ///< probability of mirroring left to right
  double zoom = 0.15;   ///< enlarged by 1 ± zoom
  double shift = 0.08;  ///< moved by ± shift of half a side
  double gain = 0.1;    ///< contrast around 0.5 by 1 ± gain, brightness by ± gain / 2
};

/// One random draw of these changes.
struct Augmentation {
  bool flip = false;
  float zoom = 1, shift_x = 0, shift_y = 0, contrast = 1, brightness = 0;
};

/// The draw for an image in an epoch: a pure function, so workers, ranks and resumed runs agree.
Augmentation draw_augmentation(const AugmentOptions& options, uint64_t seed, int64_t epoch, int64_t image);

/// Output (u, v) in [-1, 1]² is read at (± u / zoom + shift_x, v / zoom + shift_y), bilinear, the edge
/// repeated; then contrast and brightness, clamped to [0, 1].
FloatImage augment_image(const FloatImage& image, const Augmentation& draw);

/// When a box that the picture's edge cuts still counts as a lesion. A box that is whole always does,
/// however small.
struct BoxRules {
  double min_visible = 0.1;  ///< least share of its area that is still in the picture
  double min_px = 2;         ///< least side of that part, in pixels of the network's image
};

/// Boxes after a crop and an augmentation.
struct PlacedBoxes {
  std::vector<Box> boxes;        ///< those that count, clipped to the picture
  std::vector<size_t> kept;      ///< their positions among the boxes that were given
  std::vector<Box> unclear;      ///< what is seen of the others: neither a lesion nor background
  int64_t cut = 0, dropped = 0;  ///< how many of `boxes` the edge cut; how many boxes do not count
};

/// Moves boxes (pixels of a width x height image, perhaps reaching out of it after Fit::crop) as
/// augment_image() moves pixels, and applies the rules; `draw` null: nothing is moved.
PlacedBoxes place_boxes(const std::vector<Box>& boxes, const Augmentation* draw, int width, int height,
                        const BoxRules& rules);

}  // namespace cawe::data
