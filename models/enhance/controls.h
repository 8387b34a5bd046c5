// SPDX-License-Identifier: Apache-2.0
// Control enhancers: each does one part of what CAWE or a colorizer does and leaves out the part that is
// claimed to help. A method that does no better than its control owes its gain to the rest.
#pragma once

#include <memory>

#include "models/enhance/enhancer.h"

namespace cawe::models {

/// "uniform": every map [N, 1, H, W] replaced by its own mean, image by image: it darkens but marks no place.
Tensor uniform_map(const Tensor& maps);

/// "centre": one map [1, 1, rows, columns] for all films, exp(-(u^2 + v^2) / (2 sigma^2)) with u = (x + 0.5)
/// / columns - 0.5 and v alike, stretched so that its smallest value is 0 and its largest 1 (a single pixel
/// gets 1): lesions are more often near the centre than at the border, which this knows without looking at
/// the film. Throws usage for sigma <= 0.
Tensor centre_map(int64_t rows, int64_t columns, double sigma);

/// "colormap": gray [N, 1, H, W] in [0, 1] to RGB [N, 3, H, W]. With g the gray value, s the saturation and
/// k = sqrt(1 + (0.299 / 0.701)^2):
///   c = cos(pi g), d = sin(pi g), e = s g (1 - g) / k
///   R = g + e (d - c 0.114 / 0.886)
///   G = g - e (c 0.114 / 0.886 + d 0.299 / 0.701)
///   B = g + e (c - d 0.299 / 0.701)
/// from blue over red to yellow. The added terms have no luminance, so that 0.299 R + 0.587 G + 0.114 B = g:
/// only hue is added. No channel leaves [0, 1], since e <= min(g, 1 - g) / k and the terms' factors are at
/// most k. Throws usage for a saturation outside [0, 1].
Tensor colour_mapped(const Tensor& gray, double saturation);

}  // namespace cawe::models
