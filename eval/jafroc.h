// SPDX-License-Identifier: Apache-2.0
// Free-response figures of merit that are one number: the area under the AFROC curve (JAFROC's figure of merit) and the
// area under the FROC curve up to a limit. Which detection is true, false or a duplicate is what judge() says.
//
// AFROC area (Chakraborty and Berbaum 2004, Med Phys 31:2313): the probability that a lesion is rated above the
// highest-rated false positive of a film, ties counting half,
//   (1 / F W) sum_f sum_l w_l psi(x_f, y_l),  psi = 1 for y > x, 1/2 for y = x, 0 for y < x,
// with y_l the score of the detection that finds lesion l, minus infinity where none does, and x_f the highest score of
// film f's false positives, minus infinity where it has none: a lesion that is not found ties with a film without false
// positives. It is the area under lesions found against films with a false positive, linear at ties and from the last
// point to (1, 1). The films are the lesion-free ones (JAFROC; AFROC in Chakraborty's later notation) or all (JAFROC1,
// AFROC1, for sets without lesion-free films). The lesions count alike (w = 1), or each film does (wAFROC: w = 1 / number
// of lesions of the film; Chakraborty and Zhai 2016, Med Phys 43:2548).
//
// Limits: duplicates are what FrocOptions says (ignored, or false positives, which only films with lesions have).
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "eval/bootstrap.h"
#include "eval/froc.h"

namespace cawe::eval {

/// A lesion's rating, its image, by whose weight it is drawn, and its own weight w.
struct RatedLesion {
  double rating = -std::numeric_limits<double>::infinity();
  int64_t image = 0;
  double weight = 1;
};
/// A film's rating: its highest false positive.
struct RatedFilm {
  double rating = -std::numeric_limits<double>::infinity();
  int64_t image = 0;
};

/// The area above for any lesions and films; sorted once, so that a draw is one pass.
class AfrocArea {
 public:
  /// Throws Error(internal) on a rating that is NaN or a weight below 0.
  AfrocArea(const std::vector<RatedLesion>& lesions, const std::vector<RatedFilm>& films);
  /// `image_weights`: how often each image was drawn. NaN where no lesion or no film was.
  double value(const std::vector<int32_t>& image_weights) const;

 private:
  struct Entry {
    double rating;
    int64_t image;
    double lesion;  ///< its weight; 0 of a film
    int32_t film;   ///< 1 of a film
  };
  std::vector<Entry> entries_;  ///< by rising rating
};

/// The four areas of one system.
struct Jafroc {
  explicit Jafroc(const FrocData& data);
  AfrocArea jafroc, wafroc;    ///< NaN without lesion-free films
  AfrocArea jafroc1, wafroc1;  ///< false positives of all films
};

/// The four with intervals by patient. JAFROC and wAFROC are NaN where there is no lesion-free film, all where there is
/// no lesion.
struct JafrocFigures {
  Interval jafroc, wafroc, jafroc1, wafroc1;
};

/// The limits that are reported, in false positives per image: 4 and 8.
const std::vector<double>& froc_area_limits();
/// Area under the FROC curve from 0 to each limit, divided by the limit: the mean sensitivity over that range, 0 to 1.
/// The curve is read in steps, as Sens@N is by default (the highest sensitivity at a point with x <= N; 0 before the
/// first point), whatever the rule's mode, and keeps its last value where it ends before the limit. NaN where no lesion was
/// drawn. `limits` ascending and positive; out.size() == limits.size().
void froc_area(const FrocData& data, const std::vector<int32_t>& image_weights,
               const std::vector<double>& limits, double* out);

/// A limit's area with its interval.
struct FrocAreaRow {
  double limit = 0;  ///< false positives per image
  Interval area;
  bool curve_ends = false;  ///< the curve stops before the limit
};

}  // namespace cawe::eval
