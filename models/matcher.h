// SPDX-License-Identifier: Apache-2.0
// Training targets of anchors, by their IoU with the true boxes (Ren et al. 2015, arXiv 1506.01497;
// torchvision's Matcher with its low-quality matches).
#pragma once

#include <string>
#include <vector>

#include "models/detection.h"
#include "tensor/primitives/params.h"
#include "tensor/tensor.h"

namespace cawe::models {

/// Targets of A anchors in N images with K classes, on the anchors' device.
struct AnchorTargets {
  Tensor classes;     ///< [N, A * K] f32: 1 the matched box's class, 0 another or background, -1 left out
  Tensor deltas;      ///< [N, A, 4] f32: offsets of the matched box; 0 elsewhere
  Tensor foreground;  ///< [N, A] f32: 1 where a box is matched
  std::vector<int64_t> counts;  ///< how many anchors of each image are foreground
};

/// Matches anchors [A, 4] with each image's boxes by IoU; in an image without boxes all anchors are
/// background. Computed on the anchors' device. `images` (names for errors) may be empty.
AnchorTargets make_targets(const Tensor& anchors, const std::vector<Truth>& truths, int64_t classes,
                           const MatchParams& match, const BoxCoding& coding = {},
                           const std::vector<std::string>& images = {});

/// Anchors [A, 4] and their copy on the host: made once for a batch, not for each image of it.
struct Anchors {
  explicit Anchors(const Tensor& tensor);
  Tensor on_device, on_host;
  const Box* boxes;  ///< of on_host
};

/// For each anchor the index of its box, -1 for background, -2 for an anchor that no loss counts: in
/// between, or else background and on an ignored region, which means that it would not be background if the
/// region were a box, or that at least half of it lies there (COCO's rule for detections on crowds).
/// Without boxes and ignored regions all are background.
std::vector<int64_t> match_image(const Anchors& anchors, const Truth& truth, const MatchParams& match);

/// Image i's given name, or "image i".
std::string image_name(const std::vector<std::string>& images, int64_t i);

}  // namespace cawe::models
