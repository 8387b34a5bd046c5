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
  int alike = 0;     ///< pairs of keypoints that look alike, before any geometry
  int proposed = 0;  ///< maps that were held against all of them: the cost of the search
  int inliers = 0;   ///< of the pairs, how many one affine map carries onto each other
  FilmMap map;       ///< that map, where there are at least four inliers
};

/// The inliers of two films; a pure function of the two and of their order: the map is fitted, and its misses are measured, in
/// the second film's picture, so that the other order may have one or two inliers more or fewer. Whoever wants one answer for
/// a pair decides the order by the films themselves, as find_duplicates() does.
FilmMatch match_films(const FilmFeatures& first, const FilmFeatures& second);

/// Pearson's correlation of the two flat pictures where the map lays one over the other: near 1 for two copies of one
/// exposure, clearly below for two exposures of one body. 0 where they share less than a quarter of the first. The second is
/// sampled at the first's pixels: like the map, it belongs to this order of the two.
double overlay_correlation(const FilmFeatures& first, const FilmFeatures& second, const FilmMap& map);

}  // namespace cawe::data
