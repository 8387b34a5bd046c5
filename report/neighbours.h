// SPDX-License-Identifier: Apache-2.0
// How far films have moved in a feature space, in numbers: whose neighbours they have. Unlike an embedding's distances,
// these are of the features themselves.
#pragma once

#include <cstdint>
#include <vector>

namespace cawe::report {

/// Of two sets of features in one space, a film and its changed version in each row.
struct NeighbourMix {
  int64_t k = 0;  ///< neighbours that were looked at: as asked, or one fewer than there are points
  /// Mean share of a point's k nearest others (Euclidean; ties: the one that comes first) that are of its own set. 1: the
  /// sets lie apart; by_chance, (n - 1) / (2 n - 1): they are mixed as if they were one.
  double same_share = 0, by_chance = 0;
  /// Mean distance of a film to its own changed version, and to the nearest other unchanged film; both NaN below two films.
  double moved = 0, nearest = 0;
  double moved_relative() const { return moved / nearest; }  ///< inf or NaN where all films lie in one point
};

/// plain, changed: n x dim, row by row, of the same films in the same order. O(n^2 dim). Throws Error(internal) where
/// sizes do not match, Error(data) without a film and for values that are not finite.
NeighbourMix neighbour_mix(const std::vector<float>& plain, const std::vector<float>& changed, int64_t dim,
                           int64_t k = 10);

}  // namespace cawe::report
