// SPDX-License-Identifier: Apache-2.0
// Figure 2: how the class-aware map of one film is computed.
#pragma once

#include <string>
#include <vector>

#include "report/active_classes.h"
#include "report/figures/figure.h"
#include "tensor/box.h"

namespace cawe::report {

/// One film, and how its map is computed.
struct AttentionExample {
  struct Class {
    std::string name;
    double sigma = 0;     ///< the classifier's probability
    bool in_map = false;  ///< the map is of it
    /// Of a class of the map: d sigma / dF for each channel, mean over its cells.
    std::vector<double> gradients;
  };
  struct Channel {
    int64_t index = 0;
    double weight = 0;  ///< w_k of the paper's Eq. 1
    FigurePicture map;  ///< feature map of one channel, stretched to 0 … 255
  };
  std::string image;   ///< id of the film
  std::string chosen;  ///< how it was chosen: "drawn at random from …"
  MapOf kind = MapOf::active;
  FigurePicture film, map;  ///< both of one size; map: gray, 255 = 1
  std::vector<Class> classes;
  std::vector<Channel> channels;  ///< some, e.g. those with the largest weights; the first eight are drawn
  double width = 0, height = 0;   ///< size of the frame in whose pixels boxes are given; the pictures fill it
  std::vector<BoxD> truth;
};

/// Named "figure2"; where no class is active it says so. CSV: part,class,index,value,x1,y1,x2,y2 with parts sigma (its
/// index: "active", "fallback" or "asked" for classes of the map), gradient, channel and truth.
/// Throws Error(internal) on a missing picture or size.
Figure figure_attention(const AttentionExample& example);

}  // namespace cawe::report
