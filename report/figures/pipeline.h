// SPDX-License-Identifier: Apache-2.0
// Figure 1: the pipeline from the grey film to boxes, with a real example at each stage.
#pragma once

#include <string>
#include <vector>

#include "report/figures/figure.h"
#include "report/page/page.h"

namespace cawe::report {

struct PipelineExample {
  std::string image;               ///< which film it is
  FigurePicture grey, map, fused;  ///< map: 255 = 1; fused: what the detector gets
  FigurePicture colour;            ///< empty: a pipeline without colorizer
  double alpha = 0.5;              ///< of the fusion
  double width = 0, height = 0;    ///< boxes are in pixels of a frame of this size that the pictures fill
  std::vector<BoxD> truth;
  std::vector<ReportBox> found;  ///< what the detector says, by falling score, as many as are to be drawn
  std::string detector;          ///< "Faster R-CNN"
};

/// Named "figure1". CSV: part,name,from,operation,width,height,x1,y1,x2,y2,score with one line a stage (part
/// is its letter) and one a box (part "box", name true, right or wrong). Throws Error(internal) on a missing
/// picture or size.
Figure figure_pipeline(const PipelineExample& example);

}  // namespace cawe::report
