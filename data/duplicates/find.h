// SPDX-License-Identifier: Apache-2.0
// Films of one person, and copies of one film, among many films whose persons may not be known.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/duplicates/match.h"
#include "data/sample.h"

namespace cawe::data {

enum class PairKind {
  identical,       ///< the same gray levels at the same size (data/fingerprint.h)
  near_duplicate,  ///< one exposure, stored, cut, scaled or windowed anew
  same_person      ///< two exposures that one map lays over each other: likely one person
};
/// "identical", "near-duplicate", "same person likely".
const char* kind_text(PairKind kind);

struct FilmPair {
  int64_t first = 0, second = 0;  ///< indices of samples, first < second
  PairKind kind = PairKind::same_person;
  /// inliers over what the two films usually have (typical_inliers(), the larger of both): all chests are alike, and some
  /// films are like many. NaN for identical.
  double score = 0;
  int inliers = 0;         ///< keypoints that one map carries onto each other; 0 for identical
  double correlation = 0;  ///< overlay_correlation(); 1 for identical
};

struct DuplicateOptions {
  double score = 3;    ///< least score of a pair; how it was chosen: docs/duplicates.md
  double near = 0.95;  ///< least correlation of a near-duplicate
  bool quiet = true;   ///< no progress on stderr
};

/// How many inliers a film has with a film that it has nothing to do with, at the upper end: the 90th percentile (nearest
/// rank) of `counts`, where counts[n] other films have n inliers with it; at least 8, and at most 25, so that a person with
/// many films does not hide himself. 17 where there are fewer than 30 others, of which nothing can be said.
int typical_inliers(const std::vector<int64_t>& counts);

struct FoundDuplicates {
  std::vector<FilmPair> pairs;     ///< in order of first, then second
  std::vector<Rejected> rejected;  ///< films that could not be read, which have no pairs
};

/// Reads every film and compares all pairs. Time and memory: N films take about N * 50 ms, N * (N - 1) / 2 pairs about
/// 0.8 ms each, over the threads, and N * 250 KB. Pairs with many keypoints in common take longer: some 3 ms for 150 of
/// them. From there on the search ends at the first map that most of them agree on, at once for copies of one film; where
/// no map has so many, 400 take 60 ms and 600 up to 0.2 s. A film's usual inliers are those with all other films: what else is compared
/// decides, too. The result is the same on any number of threads, and which pairs are found, with score, inliers and
/// correlation, in any order of `films`. Mirrored films, films turned by more than 15 degrees, moved by more than a quarter
/// of a side or scaled by more than 1.3 are not found.
/// Throws interrupted where a signal asked to stop.
FoundDuplicates find_duplicates(const std::vector<Sample>& films, const DuplicateOptions& options = {});

}  // namespace cawe::data
