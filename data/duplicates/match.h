// SPDX-License-Identifier: Apache-2.0
// Whether two films show one body: keypoints that look alike, and one map that carries those of one film to the other's.
#pragma once

#include "data/duplicates/features.h"

namespace cawe::data {

/// (x, y) to (a x + b y + c, d x + e y + f): pixels of the first film's picture of kFeatureSide to the second's.
struct FilmMap {
  double a = 1, b = 0, c = 0, d = 0, e = 1, f = 0;
};

struct FilmMatch {
  int alike = 0;    ///< pairs of keypoints that look alike, before any geometry
  int inliers = 0;  ///< of them, how many one affine map carries onto each other
  FilmMap map;      ///< that map, where there are at least four inliers
};

/// The inliers of two films; a pure function of the two. Symmetric up to the rounding of the fit.
FilmMatch match_films(const FilmFeatures& first, const FilmFeatures& second);

/// Pearson's correlation of the two flat pictures where the map lays one over the other: near 1 for two copies of one
/// exposure, clearly below for two exposures of one body. 0 where they share less than a quarter of the first.
double overlay_correlation(const FilmFeatures& first, const FilmFeatures& second, const FilmMap& map);

}  // namespace cawe::data
