// SPDX-License-Identifier: Apache-2.0
// Figure 1: the pipeline from the gray film to boxes, with a real example at each stage.
#pragma once

#include <string>
#include <vector>

#include "report/figures/figure.h"
#include "report/page/page.h"

namespace cawe::report {

/// One film at every stage.
struct PipelineExample {
  std::string image;               ///< id of the film
  std::string chosen;              ///< how it was chosen: "drawn at random from …"
  FigurePicture grey, map, fused;  ///< map: 255 = 1; fused: the detector's input
  FigurePicture colour;            ///< empty: a pipeline without colorizer
  /// How the map reaches the detector: cawe, color+cawe, cawe-lift, cawe-channel, cawe-drawn, or another method's name.
  std::string method = "cawe";
  double alpha = 0.5;  ///< of the fusion
  /// Size of the frame in whose pixels boxes are given; the pictures fill it.
  double width = 0, height = 0;
  std::vector<BoxD> truth;
  std::vector<ReportBox> found;  ///< the detector's boxes to be drawn, by falling score
  std::string detector;          ///< "Faster R-CNN"
  std::string rule;              ///< by which boxes are judged: eval::describe()
};

/// Named "figure1", one film above the other, the panels' letters going on. CSV:
/// part,name,from,operation,width,height,x1,y1,x2,y2,score,image with a line for each stage (part is its letter) and for
/// each box (part "box", name true, right, wrong or "not counted"). Throws Error(internal) without a film, and on a missing
/// picture or size.
Figure figure_pipeline(const std::vector<PipelineExample>& films);

}  // namespace cawe::report
