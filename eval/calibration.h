// SPDX-License-Identifier: Apache-2.0
// Are scores probabilities? Reliability diagrams, calibration errors and the Brier score (Brier 1950; Guo et al. 2017,
// arXiv 1706.04599; Nixon et al. 2019, arXiv 1904.01685).
//
// Items have a score s in [0, 1] and an outcome o, 0 or 1. In bins of their scores, with n_b items, mean score c_b and
// share of ones r_b:
//   ECE = sum_b n_b / n |r_b - c_b|,  MCE = max_b |r_b - c_b|,  Brier = mean (s - o)^2.
// Bins without items count nowhere. ECE and MCE are biased upwards where bins are small, and bootstrap draws, which are smaller
// sets in effect, more so: an interval may lie above its value.
//
// A classifier's items are films, label by label. A detector's are its detections: outcome 1 where one finds a lesion by the
// FROC rule, 0 where it is a false positive; what judge() ignores (duplicates, regions to be ignored) is
// left out. Lesions that nothing finds have no score and play no part, so that a calibrated detector may still be a blind one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/bootstrap.h"
#include "eval/froc.h"

namespace cawe::eval {

/// What is calibrated: equally many scores, outcomes (1 or 0; anything else, an unknown label, is left out) and indices of
/// the image that each belongs to.
struct ScoredOutcomes {
  std::vector<double> scores;
  std::vector<int> outcomes;
  std::vector<int64_t> image;
};
/// A detector's.
ScoredOutcomes scored_detections(const FrocData& data);

enum class Binning {
  width,  ///< [0, 1/B), [1/B, 2/B), …, the last one with 1
  /// By rising score, the k-th of n items goes to bin floor(k B / n), equal scores together to that of the first of them.
  count
};

struct CalibrationBin {
  double low = 0, high = 0;  ///< the bin's bounds (width), or its lowest and highest score (count)
  int64_t items = 0, ones = 0;
  double mean_score = 0;
  Interval share;  ///< of ones, with its interval by patient
};

/// One way of binning; bins without items are not listed.
struct Reliability {
  std::vector<CalibrationBin> bins;
  Interval ece, mce;
};

/// NaN with a reason in `undefined` where there are no items, or scores outside [0, 1], which are no probabilities.
struct Calibration {
  int64_t items = 0, ones = 0;
  int64_t bins = 0;  ///< B
  Reliability width, count;
  Interval brier;
  std::string undefined;
};

/// Both reliabilities and the Brier score of weighted images. Items are summed by image and bin once, so that a draw costs
/// little; the bins are those of the whole set in every draw.
class CalibrationStatistic {
 public:
  /// Throws Error(internal) where sizes differ, usage on fewer than one bin.
  explicit CalibrationStatistic(const ScoredOutcomes& items, int64_t bins = 10);
  /// Number of figures that value() writes.
  int64_t values() const;
  /// Where among them the ECE by bins of equal width stands.
  int64_t ece() const { return whole_.bins; }
  void value(const std::vector<int32_t>& image_weights, double* out) const;
  /// What the figures of the whole set (`point`) and those of the draws (`drawn`, values() rows) say.
  Calibration result(const double* point, const std::vector<double>* drawn, double level) const;

 private:
  struct Cell {  ///< the items of one image in one bin
    int64_t image, bin, items, ones;
    double scores;
  };
  struct Bins {
    std::vector<Cell> cells;
    std::vector<CalibrationBin> bins;
  };
  struct Squares {  ///< of one image
    int64_t image, items;
    double sum;
  };
  void add(Bins* bins, const ScoredOutcomes& items, const std::vector<size_t>& known,
           const std::vector<int64_t>& bin_of);

  Calibration whole_;
  Bins width_, count_;
  std::vector<Squares> squares_;
};

/// Calibration with intervals by patient: clusters of images.
Calibration calibration(const ScoredOutcomes& items, const Clusters& clusters, int64_t draws, uint64_t seed,
                        double level = 0.95, int64_t bins = 10);

}  // namespace cawe::eval
