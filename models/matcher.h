// SPDX-License-Identifier: Apache-2.0
// What each anchor is trained towards (spec 4.3).
#pragma once

#include <string>
#include <vector>

#include "models/detection.h"
#include "tensor/backend.h"

namespace cawe::models {

struct AnchorTargets {
  Tensor classes;     ///< [N, A * K] f32: 1 the anchor's class, 0 background or another class, -1 left out
  Tensor deltas;      ///< [N, A, 4] f32: offsets of the matched box; 0 elsewhere
  Tensor foreground;  ///< [N, A] f32: 1 where a box is matched
  std::vector<int64_t> counts;  ///< foreground anchors of each image
};

/// Matches anchors [A, 4] with each image's boxes by IoU; an image without boxes is all background. On the
/// anchors' device. `images` (names for errors) may be empty.
AnchorTargets make_targets(const Tensor& anchors, const std::vector<Truth>& truths, int64_t classes,
                           const MatchParams& match, const BoxCoding& coding = {},
                           const std::vector<std::string>& images = {});

/// For each anchor [A, 4] the index of its box, -1 background, -2 neither (spec 4.3); no box: all background.
std::vector<int64_t> match_image(const Tensor& anchors, const Truth& truth, const MatchParams& match);

/// "image 3", or its given name.
std::string image_name(const std::vector<std::string>& images, int64_t i);

}  // namespace cawe::models
