// SPDX-License-Identifier: Apache-2.0
// How good a colorizer is on held-out images, compared with the truth, with gray, and with the training set's
// mean colour, paired by image.
#pragma once

#include <string>
#include <vector>

#include "data/loader.h"
#include "models/colorizer/colorize.h"
#include "models/colorizer/content.h"
#include "train/run_folder.h"

namespace cawe::train {

/// Mean colour of a data set: U = 0.492 (B - Y), V = 0.877 (R - Y), and CIE a and b.
struct MeanChroma {
  double u = 0, v = 0, a = 0, b = 0;
};

/// Scores of one image. Chroma error: mean over pixels of |dU| + |dV|; ab error: mean distance in CIE a, b.
struct ColorScore {
  std::string image;
  double psnr = 0, ssim = 0, colourfulness = 0, true_colourfulness = 0;
  double chroma = 0, chroma_of_gray = 0, chroma_of_mean = 0;
  double ab = 0, ab_of_gray = 0, ab_of_mean = 0;
};

/// Scores of all images.
struct ColorEvaluation {
  std::vector<ColorScore> scores;
  double fid_lite = 0, fid_lite_of_gray = 0;  ///< NaN where phi is no ResNet or there are too few images
};

/// Evaluates on the images of one data set.
struct ColorEvaluator {
  const data::Dataset* dataset = nullptr;
  data::LoaderOptions fitting;  ///< as in training; its size is that at which images are compared
  models::ColorSettings settings;

  /// Over the samples at `indices`, or `limit` of them at even distances.
  MeanChroma mean_chroma(const std::vector<int64_t>& indices, size_t limit = 2000) const;
  /// `content`: if its phi is a ResNet, that gives the features for FID-lite.
  ColorEvaluation evaluate(models::Generator& generator, models::ContentLoss& content,
                           const std::vector<int64_t>& indices, const MeanChroma& mean, bool quiet) const;
  /// Gray, truth and result side by side, for at most `limit` images.
  void write_pictures(models::Generator& generator, const std::vector<int64_t>& indices,
                      const std::string& path, size_t limit = 16) const;
};

/// image, then every number of a score.
std::string scores_csv(const std::vector<ColorScore>& scores);
/// results.json: means with bootstrap intervals over images, paired differences to gray and to the mean
/// colour with p. `features`: name of the features that FID-lite uses.
std::string color_results_json(const ColorEvaluation& evaluation, const MeanChroma& mean,
                               const std::string& features);

}  // namespace cawe::train
