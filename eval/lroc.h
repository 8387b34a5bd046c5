// SPDX-License-Identifier: Apache-2.0
// Localisation ROC of sets whose films have one lesion at most (Starr et al. 1975, Radiology 116:533; Swensson 1996, Med
// Phys 23:1709): a film is read as its highest-rated mark alone. On a film with a lesion the reading is right where that
// mark finds it by the FROC rule; what judge() ignores (duplicates, regions to be ignored) is no mark.
//
// The curve: right readings rated at least t as a share of the films with a lesion, against lesion-free films whose
// highest mark is rated at least t as a share of these. It ends where every mark counts, and goes on level to x = 1: a film
// without a mark is never localised. Its area is the probability that of a film with a lesion and one without the first
// is read rightly and rated higher, ties counting half. Its last height, the share of films with a lesion that are read
// rightly at any rating, is the probability of correct localisation. Where a false positive has the same rating as the mark
// that finds the lesion, either may be the film's highest: the reading is half right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/froc.h"
#include "eval/jafroc.h"

namespace cawe::eval {

struct LrocPoint {
  double threshold = 0;
  double localised = 0;       ///< share of films with a lesion
  double false_positive = 0;  ///< share of lesion-free films; NaN without such films
};

/// LROC of judged detections.
class Lroc {
 public:
  explicit Lroc(const FrocData& data);
  /// Why nothing is defined: films with several lesions, or no lesion at all; empty where something is.
  const std::string& undefined() const { return undefined_; }
  /// NaN where undefined, and where the draw has no film with a lesion or no lesion-free one.
  double area(const std::vector<int32_t>& image_weights) const;
  /// NaN where undefined, and where the draw has no film with a lesion.
  double correct_localisation(const std::vector<int32_t>& image_weights) const;
  /// Points at distinct ratings, by falling threshold; none where undefined.
  std::vector<LrocPoint> curve() const;

 private:
  struct Reading {
    int64_t image = 0;
    double rating = 0;
    double right = 0;  ///< 0, 1/2 or 1
  };
  std::string undefined_;
  std::vector<Reading> diseased_;       ///< films with a lesion; the rating counts where right > 0
  std::vector<RatedFilm> lesion_free_;  ///< minus infinity: no mark
  AfrocArea area_;
};

/// Area and correct localisation with intervals by patient. `undefined` says why there is neither; the area alone is NaN
/// without lesion-free films.
struct LrocFigures {
  Interval area, correct_localisation;
  std::string undefined;
  std::vector<LrocPoint> curve;
};

}  // namespace cawe::eval
