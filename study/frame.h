// SPDX-License-Identifier: Apache-2.0
// What a network sees of a film (image.fit), which maps and pictures show: boxes, given in the film's pixels, are brought
// into it before they meet a map or are drawn.
#pragma once

#include <vector>

#include "data/transforms.h"
#include "eval/detections.h"
#include "report/page/page.h"

namespace cawe::study {

/// The network's picture of one film.
struct Frame {
  data::Geometry geometry;       ///< where the film's pixels went
  double width = 0, height = 0;  ///< of the picture
  /// A box of the film in the picture's pixels, cut at its edges; without area where nothing of it is seen.
  BoxD placed(const BoxD& box) const;
};

/// All lesions of a film in the frame, in their order, those that are not seen without area; no ignored regions.
std::vector<BoxD> lesions_in(const Frame& frame, const eval::TruthImage& film);
/// What is seen of boxes, others left out; how they were judged stays.
std::vector<BoxD> seen(const std::vector<BoxD>& placed);
std::vector<report::ReportBox> seen(const Frame& frame, const std::vector<report::ReportBox>& boxes);

}  // namespace cawe::study
