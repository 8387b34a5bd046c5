// SPDX-License-Identifier: Apache-2.0
#include "eval/further.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"

namespace cawe::eval {

void add_further_figures(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections,
                         const FrocData& data, const Clusters& clusters, Evaluation* e) {
  const EvaluateOptions& options = e->options;
  e->sens_lenient.rule = lenient_rule(options.froc);
  const FrocData lenient = judge(truth, detections, e->sens_lenient.rule);
  const Jafroc afroc(data);
  const Lroc lroc(data);
  const CalibrationStatistic scores(scored_detections(data));
  const std::vector<double>&limits = froc_area_limits(), &fps = paper_fps();
  // The figures of a draw: 4 of JAFROC, the areas under FROC, 2 of LROC, Sens@1 … 4 of the second rule and their mean, and
  // calibration's.
  const size_t areas = 4, lrocs = areas + limits.size(), sens = lrocs + 2, mean = sens + fps.size(),
               calibrated = mean + 1, all = calibrated + size_t(scores.values());
  const auto statistic = [&](const std::vector<int32_t>& weights, double* v) {
    v[0] = afroc.jafroc.value(weights);
    v[1] = afroc.wafroc.value(weights);
    v[2] = afroc.jafroc1.value(weights);
    v[3] = afroc.wafroc1.value(weights);
    froc_area(data, weights, limits, v + areas);
    v[lrocs] = lroc.area(weights);
    v[lrocs + 1] = lroc.correct_localisation(weights);
    weighted_sens(lenient, weights, fps, v + sens);
    v[mean] = 0;
    for (size_t k = 0; k < fps.size(); ++k) v[mean] += v[sens + k] / double(fps.size());
    scores.value(weights, v + calibrated);
  };
  std::vector<double> point(all);
  statistic(std::vector<int32_t>(truth.size(), 1), point.data());
  const int64_t draws = std::min(options.draws, kFurtherDraws);
  const auto drawn = bootstrap(clusters, int64_t(all), statistic, draws, options.seed);
  const auto interval = [&](size_t k) { return percentile_interval(point[k], drawn[k], options.level); };
  e->jafroc = {interval(0), interval(1), interval(2), interval(3)};
  for (size_t k = 0; k < limits.size(); ++k) {
    const bool ends = e->curve.points.empty() || e->curve.points.back().fp_per_image < limits[k];
    e->froc_area.push_back({limits[k], interval(areas + k), ends});
  }
  e->lroc = {interval(lrocs), interval(lrocs + 1), lroc.undefined(), lroc.curve()};
  for (size_t k = 0; k < fps.size(); ++k) e->sens_lenient.sens[k] = interval(sens + k);
  e->sens_lenient.mean = interval(mean);
  e->calibration = scores.result(&point[calibrated], &drawn[calibrated], options.level);
  const size_t kept_area = size_t(std::find(limits.begin(), limits.end(), kKeptAreaLimit) - limits.begin());
  CAWE_CHECK(kept_area < limits.size(), Code::internal, "no area under FROC to ", kKeptAreaLimit);
  e->further_drawn.resize(kFurtherKept);
  e->further_drawn[kKeptWafroc] = drawn[1];
  e->further_drawn[kKeptJafroc] = drawn[0];
  e->further_drawn[kKeptFrocArea] = drawn[areas + kept_area];
  e->further_drawn[kKeptLroc] = drawn[lrocs];
  e->further_drawn[kKeptLenientMean] = drawn[mean];
  e->further_drawn[kKeptEce] = drawn[calibrated + size_t(scores.ece())];
  if (std::isnan(options.threshold)) return;
  OperatingDraws at_threshold;
  e->at_threshold =
      operating_point(data, clusters, options.threshold, draws, options.seed, options.level, &at_threshold);
  e->further_drawn[kKeptSensitivityAtThreshold] = std::move(at_threshold.sensitivity);
  e->further_drawn[kKeptFpAtThreshold] = std::move(at_threshold.fp_per_image);
}

}  // namespace cawe::eval
