// SPDX-License-Identifier: Apache-2.0
// A film as keypoints with local descriptors, by which films of one person know each other.
#pragma once

#include <cstdint>
#include <vector>

#include "data/float_image.h"

namespace cawe::data {

constexpr int kFeatureSide = 512;        ///< longer side of the picture that keypoints are found in, px
constexpr int kDescriptorValues = 128;   ///< 4 x 4 cells of 8 directions
constexpr int kDescriptorLength = 1024;  ///< Euclidean length of a descriptor
constexpr int kFlatSide = 128;           ///< longer side of FilmFeatures::flat, px

/// A place that stands out from its surroundings at the scale 1.6 * 2^(level / 3). Pixels of the picture of kFeatureSide.
struct Keypoint {
  float x = 0, y = 0;
  int level = 0;
};

struct FilmFeatures {
  int width = 0, height = 0;  ///< of the picture of kFeatureSide
  /// At most FeatureOptions::most, the strongest; sorted by level, then from top to bottom.
  std::vector<Keypoint> points;
  /// kDescriptorValues for each point, whole numbers, so that sums are the same in every order.
  std::vector<int16_t> descriptors;
  std::vector<int32_t> lengths;  ///< squared length of each descriptor
  FloatImage flat;               ///< flattened() to kFlatSide: two films are compared pixel by pixel on it
};

struct FeatureOptions {
  int most = 600;          ///< keypoints of a film
  double contrast = 0.07;  ///< least difference of Gaussians, in local standard deviations
};

/// A gray film of any size. Brightness and contrast, also where they change slowly over the film, have no part in it:
/// exposure, windows and collimation differ between films of a person. Extrema of differences of Gaussians over scales, away
/// from straight edges, and histograms of gradients in 4 x 4 cells (D. Lowe, Int. J. Comput. Vision 60, 2004, sections 3, 4
/// and 6), in the square-root form of R. Arandjelovic and A. Zisserman (CVPR 2012). Differences from these: a
/// descriptor stands upright, since films do; keypoints keep the pixel of their extremum.
FilmFeatures film_features(const FloatImage& film, const FeatureOptions& options = {});

/// The film without its slow brightness and with even contrast: 0 is the local mean, 1 the local standard deviation, nothing
/// beyond -4 and 4. Its longer side has `side` px.
FloatImage flattened(const FloatImage& film, int side);

}  // namespace cawe::data
