// SPDX-License-Identifier: Apache-2.0
#include "eval/operating_point.h"

#include <cmath>

#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tensor/text.h"

namespace cawe::eval {

OperatingPoint operating_point(const FrocData& data, const Clusters& clusters, double threshold,
                               int64_t draws, uint64_t seed, double level, OperatingDraws* drawn_figures) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  OperatingPoint result;
  result.threshold = threshold;
  result.sensitivity = result.fp_per_image = {kNaN, kNaN, kNaN, 0, 0};
  const size_t images = data.lesions.size();
  if (std::isnan(threshold) || images == 0) return result;
  std::vector<int64_t> found(images, 0), false_positives(images, 0);
  for (const Judged& d : data.judged) {
    if (d.score < threshold) break;  // by falling score
    found[size_t(d.image)] += d.found;
    false_positives[size_t(d.image)] += d.false_positive;
  }
  for (size_t i = 0; i < images; ++i) {
    result.found += found[i];
    result.false_positives += false_positives[i];
  }
  const auto statistic = [&](const std::vector<int32_t>& weights, double* v) {
    int64_t hits = 0, lesions = 0, wrong = 0, drawn = 0;
    for (size_t i = 0; i < images; ++i) {
      hits += weights[i] * found[i];
      lesions += weights[i] * data.lesions[i];
      wrong += weights[i] * false_positives[i];
      drawn += weights[i];
    }
    v[0] = lesions > 0 ? double(hits) / double(lesions) : kNaN;
    v[1] = double(wrong) / double(drawn);
  };
  double point[2];
  statistic(std::vector<int32_t>(images, 1), point);
  auto values = bootstrap(clusters, 2, statistic, draws, seed);
  result.sensitivity = percentile_interval(point[0], values[0], level);
  result.fp_per_image = percentile_interval(point[1], values[1], level);
  if (drawn_figures != nullptr) *drawn_figures = {std::move(values[0]), std::move(values[1])};
  return result;
}

ThresholdChoice choose_threshold(const FrocData& validation, double fp_per_image) {
  CAWE_CHECK(fp_per_image > 0, Code::usage, "threshold for ", fp_per_image,
             " false positives per image (expected a number above 0)");
  ThresholdChoice choice;
  if (validation.lesions.empty()) {
    choice.note = "there are no validation films to choose a threshold on";
    return choice;
  }
  const FrocCurve curve = froc_curve(validation);
  if (curve.points.empty()) {
    choice.note = "nothing is detected on the validation films: any threshold would do, so none is chosen";
    return choice;
  }
  for (const FrocPoint& p : curve.points) {
    choice.threshold = p.threshold;
    choice.fp_per_image = p.fp_per_image;
    if (p.fp_per_image >= fp_per_image) return choice;
  }
  choice.note = "the validation films never reach " + shortest(fp_per_image) +
                " false positives per image: the threshold is their lowest score";
  return choice;
}

std::string describe(const ThresholdChoice& choice, int64_t films, double fp_per_image) {
  const std::string on = counted(films, "validation film");
  if (std::isnan(choice.threshold)) return "no threshold from " + on + ": " + choice.note;
  const std::string there = " (" + rounded(choice.fp_per_image, 3) + " there)";
  if (!choice.note.empty()) return "chosen on " + on + ": " + choice.note + there;
  return "chosen on " + on + ": the highest score with " + shortest(fp_per_image) + " false positive" +
         (fp_per_image == 1 ? "" : "s") + " per image or more" + there;
}

}  // namespace cawe::eval
