// SPDX-License-Identifier: Apache-2.0
// Figure 2: how the class-aware map of one film comes about.
#pragma once

#include <string>
#include <vector>

#include "report/figures/figure.h"
#include "tensor/box.h"

namespace cawe::report {

struct AttentionExample {
  struct Class {
    std::string name;
    double sigma = 0;  ///< the classifier's probability
    bool active = false;
    std::vector<double> gradients;  ///< of an active class: d sigma / dF by channel, mean over cells
  };
  struct Channel {
    int64_t index = 0;
    double weight = 0;  ///< w of Eq. 1
    FigurePicture map;  ///< of one channel, stretched to 0 … 255
  };
  std::string image;        ///< which film it is
  FigurePicture film, map;  ///< of the same size; map: grey, 255 = 1
  std::vector<Class> classes;
  std::vector<Channel> channels;  ///< a few, e.g. those of the largest weights; the first eight are drawn
  double width = 0, height = 0;   ///< boxes are in pixels of a frame of this size that the pictures fill
  std::vector<BoxD> truth;
};

/// Named "figure2". CSV: part,class,index,value,x1,y1,x2,y2 with parts sigma, gradient, channel and truth.
/// Throws Error(internal) on a missing picture or size.
Figure figure_attention(const AttentionExample& example);

}  // namespace cawe::report
