// SPDX-License-Identifier: Apache-2.0
// A batch's true boxes and keys of draws as tensors, which a step takes to the device.
#pragma once

#include <string>
#include <vector>

#include "models/detection_model.h"

namespace cawe::models {

/// [N, G, 5] f32 on the CPU: x1, y1, x2, y2 and label of each image's boxes, then of its ignored regions with
/// label -2, then rows with label -1, which change no bit of what is computed. G is the smallest power of two from 8 and
/// `least_rows` on that holds every image: a captured step fits one G, so a training gives its largest so far.
Tensor packed(const std::vector<Truth>& truths, int64_t least_rows = 0);
/// [N, 3] i64 on the CPU: seed, step, image.
Tensor packed(const std::vector<DrawKey>& draws);

/// Image i's given name, or "image i".
std::string image_name(const std::vector<std::string>& images, int64_t i);

}  // namespace cawe::models
