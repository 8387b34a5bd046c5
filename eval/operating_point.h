// SPDX-License-Identifier: Apache-2.0
// A detector used at one fixed score threshold, as it would be in practice: what it finds there, and how the threshold is
// chosen on films that are not the test's. Sens@N reads the test's own curve, so that its threshold is known only
// afterwards; a threshold that was fixed before has uncertain false positives, too.
#pragma once

#include <limits>
#include <string>

#include "eval/bootstrap.h"
#include "eval/froc.h"

namespace cawe::eval {

/// Sensitivity and false positives per image (all images) of the detections with score >= threshold, with intervals by
/// patient.
struct OperatingPoint {
  double threshold = std::numeric_limits<double>::quiet_NaN();
  Interval sensitivity;   ///< NaN where there is no lesion
  Interval fp_per_image;  ///< NaN where there is no image
  int64_t found = 0, false_positives = 0;
};
/// Both figures over the draws.
struct OperatingDraws {
  std::vector<double> sensitivity, fp_per_image;
};
/// Everything is NaN where `threshold` is NaN: none could be chosen. `drawn`, where it is given, receives the draws.
OperatingPoint operating_point(const FrocData& data, const Clusters& clusters, double threshold,
                               int64_t draws, uint64_t seed, double level = 0.95,
                               OperatingDraws* drawn = nullptr);

/// A threshold that was chosen on validation films.
struct ThresholdChoice {
  double threshold = std::numeric_limits<double>::quiet_NaN();  ///< NaN: none could be chosen
  double fp_per_image = 0;                                      ///< on the validation films, at the threshold
  /// Why there is no threshold (no validation films, or nothing detected on them), or that they never reach the wanted
  /// number, so that it is their lowest score; empty where all is well.
  std::string note;
};
/// The highest score of the validation films at which detections with that score or a higher one make `fp_per_image`
/// false positives an image or more. Lesions of these films play no part. Throws Error(usage) where fp_per_image is not
/// above 0.
ThresholdChoice choose_threshold(const FrocData& validation, double fp_per_image = 1);
/// "chosen on 40 validation films: the highest score with 1 false positive per image or more (1.03
/// there)", or why there is none.
std::string describe(const ThresholdChoice& choice, int64_t films, double fp_per_image = 1);

}  // namespace cawe::eval
