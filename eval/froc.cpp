// SPDX-License-Identifier: Apache-2.0
// FROC: judging detections, the curve, and sensitivities read off it.
#include "eval/froc.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tensor/error.h"

namespace cawe::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

BoxD grown(const BoxD& b) { return {b.x1, b.y1, b.x2 + 1, b.y2 + 1}; }

/// The overlap of a detection with a lesion, or -1 where the rule does not accept the pair.
double accepted_overlap(const FrocOptions& options, const BoxD& detection, const BoxD& lesion) {
  const FrocRule rule = options.rule;
  if (rule == FrocRule::centre || rule == FrocRule::overlap_or_centre) {
    const double x = 0.5 * (detection.x1 + detection.x2), y = 0.5 * (detection.y1 + detection.y2);
    const bool inside = x >= lesion.x1 && x <= lesion.x2 && y >= lesion.y1 && y <= lesion.y2;
    const double overlap = iou(detection, lesion);
    const bool enough = rule == FrocRule::overlap_or_centre && overlap >= options.threshold;
    return inside || enough ? overlap : -1;
  }
  double overlap = 0;
  if (rule == FrocRule::iou) overlap = iou(detection, lesion);
  if (rule == FrocRule::iobb) overlap = intersection(detection, lesion) / detection.area();
  if (rule == FrocRule::deeplesion) overlap = iou(grown(detection), grown(lesion));
  return overlap >= options.threshold ? overlap : -1;
}

Judged judge_one(const FrocOptions& options, const TruthImage& image, const Detection& detection,
                 std::vector<bool>& found) {
  Judged result{detection.score, detection.image, 0, false};
  int best = -1;
  double best_overlap = -1;
  bool any = false;
  for (size_t i = 0; i < image.boxes.size(); ++i) {
    if (image.boxes[i].crowd) continue;
    const double overlap = accepted_overlap(options, detection.box, image.boxes[i].box);
    if (overlap < 0) continue;
    any = true;
    if (found[i]) continue;
    if (options.rule == FrocRule::deeplesion) {
      found[i] = true;
      ++result.found;
    } else if (overlap > best_overlap) {
      best = int(i);
      best_overlap = overlap;
    }
  }
  if (best >= 0) {
    found[size_t(best)] = true;
    result.found = 1;
  }
  if (!any) result.false_positive = !in_crowd(image, detection.box);
  if (any && result.found == 0 && options.rule != FrocRule::deeplesion)
    result.false_positive = options.duplicates == Duplicates::fp;
  return result;
}

double x_of(const FrocPoint& p, Denominator denominator) {
  return denominator == Denominator::images ? p.fp_per_image : p.fp_per_negative;
}

/// The distinct x with the highest sensitivity so far, from x = 0 on: what the linear mode interpolates.
std::vector<FrocPoint> upper_envelope(const FrocCurve& curve, Denominator denominator) {
  std::vector<FrocPoint> knots(1);
  knots[0].threshold = std::numeric_limits<double>::infinity();
  for (const FrocPoint& p : curve.points) {
    if (x_of(p, denominator) == x_of(knots.back(), denominator)) {
      if (p.sensitivity >= knots.back().sensitivity) knots.back() = p;
    } else {
      knots.push_back(p);
    }
  }
  for (size_t i = 1; i < knots.size(); ++i)
    knots[i].sensitivity = std::max(knots[i].sensitivity, knots[i - 1].sensitivity);
  return knots;
}

SensAt interpolate(const std::vector<FrocPoint>& knots, double fp, Denominator denominator) {
  const auto first_after = std::upper_bound(
      knots.begin(), knots.end(), fp, [&](double x, const FrocPoint& p) { return x < x_of(p, denominator); });
  const size_t after = size_t(first_after - knots.begin());
  SensAt result;
  result.fp = fp;
  result.threshold = std::numeric_limits<double>::infinity();
  if (knots.empty()) return result;
  const FrocPoint& a = knots[after == 0 ? 0 : after - 1];
  result.threshold = a.threshold;
  result.sensitivity = a.sensitivity;
  if (after > 0 && after < knots.size()) {
    const FrocPoint& b = knots[after];
    const double x0 = x_of(a, denominator), x1 = x_of(b, denominator);
    result.sensitivity += (b.sensitivity - a.sensitivity) * (fp - x0) / (x1 - x0);
  }
  return result;
}

/// The curve up to the points of the first x above `until`: what is read at `until` needs no more.
FrocCurve curve_until(const FrocData& data, const std::vector<int32_t>* weights, double until) {
  const auto weight = [&](int64_t image) { return weights == nullptr ? 1 : (*weights)[size_t(image)]; };
  FrocCurve curve;
  curve.mode = data.options.mode;
  for (size_t i = 0; i < data.lesions.size(); ++i) {
    curve.images += weight(int64_t(i));
    curve.lesions += weight(int64_t(i)) * data.lesions[i];
    if (data.lesions[i] == 0) curve.negatives += weight(int64_t(i));
  }
  FrocPoint running;
  for (size_t i = 0; i < data.judged.size(); ++i) {
    const Judged& d = data.judged[i];
    const int32_t w = weight(d.image);
    running.found += int64_t(w) * d.found;
    if (d.false_positive) {
      running.false_positives += w;
      if (data.lesions[size_t(d.image)] == 0) running.negative_false_positives += w;
    }
    if (i + 1 < data.judged.size() && data.judged[i + 1].score == d.score) continue;
    running.threshold = d.score;
    running.sensitivity = curve.lesions > 0 ? double(running.found) / double(curve.lesions) : kNaN;
    running.fp_per_image = double(running.false_positives) / double(curve.images);
    running.fp_per_negative =
        curve.negatives > 0 ? double(running.negative_false_positives) / double(curve.negatives) : kNaN;
    if (!curve.points.empty() && curve.points.back().fp_per_image > until &&
        running.fp_per_image > curve.points.back().fp_per_image)
      break;
    curve.points.push_back(running);
  }
  return curve;
}

}  // namespace

FrocOptions froc_preset(const std::string& rule) {
  FrocOptions options;
  if (rule == "iou") return options;
  if (rule == "centre") {
    options.rule = FrocRule::centre;
  } else if (rule == "iobb") {
    options.rule = FrocRule::iobb;
  } else if (rule == "deeplesion") {
    options.rule = FrocRule::deeplesion;
    options.mode = SensMode::raw;
  } else if (rule == "overlap_or_centre") {
    options.rule = FrocRule::overlap_or_centre;
    options.threshold = 0.2;
  } else {
    fail(Code::usage, "FROC rule '", rule,
         "' is unknown (expected iou, centre, iobb, deeplesion or overlap_or_centre)");
  }
  return options;
}

bool takes_threshold(FrocRule rule) {
  return rule != FrocRule::centre && rule != FrocRule::overlap_or_centre;
}

FrocOptions lenient_rule(const FrocOptions& first) {
  FrocOptions options = froc_preset("overlap_or_centre");
  options.duplicates = first.duplicates;
  if (first.mode != SensMode::raw) options.mode = first.mode;
  return options;
}

Duplicates parse_duplicates(const std::string& text) {
  CAWE_CHECK(text == "ignore" || text == "fp", Code::usage, "FROC duplicates '", text,
             "' is unknown (expected ignore or fp)");
  return text == "fp" ? Duplicates::fp : Duplicates::ignore;
}

void set_interpolation(FrocOptions* options, const std::string& text) {
  if (text == "auto") return;
  CAWE_CHECK(text == "step" || text == "linear", Code::usage, "FROC interpolation '", text,
             "' is unknown (expected auto, step or linear)");
  CAWE_CHECK(options->rule != FrocRule::deeplesion, Code::usage,
             "FROC rule deeplesion reads its curve in its own way (expected no interpolation beside it)");
  options->mode = text == "step" ? SensMode::step : SensMode::linear;
}

std::string describe(const FrocOptions& options) {
  std::string text;
  std::string threshold = std::to_string(options.threshold);
  threshold.erase(threshold.find_last_not_of('0') + 1);
  if (threshold.back() == '.') threshold.pop_back();
  if (options.rule == FrocRule::iou) text = "IoU >= " + threshold;
  if (options.rule == FrocRule::centre) text = "centre in the lesion box";
  if (options.rule == FrocRule::overlap_or_centre)
    text = "IoU >= " + threshold + " or centre in the lesion box";
  if (options.rule == FrocRule::iobb) text = "intersection over detection >= " + threshold;
  if (options.rule == FrocRule::deeplesion) return "DeepLesion (IoU+1px >= " + threshold + "), interpolated";
  text += options.duplicates == Duplicates::ignore ? ", duplicates ignored" : ", duplicates count as false";
  return text + (options.mode == SensMode::step ? ", step" : ", linear");
}

FrocData judge(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections,
               const FrocOptions& options) {
  CAWE_CHECK(options.rule == FrocRule::centre || (options.threshold > 0 && options.threshold <= 1),
             Code::usage, "FROC overlap threshold ", options.threshold, " (expected above 0, at most 1)");
  check_detections(truth, detections);
  FrocData data;
  data.options = options;
  std::vector<std::vector<bool>> found(truth.size());
  for (size_t i = 0; i < truth.size(); ++i) {
    found[i].assign(truth[i].boxes.size(), false);
    int64_t lesions = 0;
    for (const TruthBox& box : truth[i].boxes) lesions += box.crowd ? 0 : 1;
    data.lesions.push_back(lesions);
  }
  std::vector<size_t> order(detections.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (detections[a].score != detections[b].score) return detections[a].score > detections[b].score;
    return detections[a].image < detections[b].image;
  });
  data.judged.reserve(order.size());
  for (size_t i : order) {
    const size_t image = size_t(detections[i].image);
    data.judged.push_back(judge_one(options, truth[image], detections[i], found[image]));
  }
  return data;
}

FrocCurve froc_curve(const FrocData& data, const std::vector<int32_t>* weights) {
  return curve_until(data, weights, std::numeric_limits<double>::infinity());
}

SensAt sens_at(const FrocCurve& curve, double fp, Denominator denominator) {
  SensAt result;
  result.fp = fp;
  result.threshold = std::numeric_limits<double>::infinity();
  if (curve.lesions == 0 || (denominator == Denominator::negatives && curve.negatives == 0)) {
    result.sensitivity = kNaN;
    return result;
  }
  if (curve.mode == SensMode::linear) {
    result = interpolate(upper_envelope(curve, denominator), fp, denominator);
  } else if (curve.mode == SensMode::raw) {
    result = interpolate(curve.points, fp, denominator);
  } else {
    for (const FrocPoint& p : curve.points) {
      if (x_of(p, denominator) > fp) break;
      if (p.sensitivity <= result.sensitivity) continue;  // keep the highest threshold that reaches it
      result.sensitivity = p.sensitivity;
      result.threshold = p.threshold;
    }
  }
  result.ends_at = curve.points.empty() ? 0 : x_of(curve.points.back(), denominator);
  result.curve_ends = result.ends_at < fp;
  return result;
}

std::vector<SensAt> sens_at(const FrocCurve& curve, const std::vector<double>& fps, Denominator denominator) {
  std::vector<SensAt> all;
  for (double fp : fps) all.push_back(sens_at(curve, fp, denominator));
  return all;
}

const std::vector<double>& paper_fps() {
  static const std::vector<double> fps = {1, 2, 3, 4};
  return fps;
}

const std::vector<double>& luna_fps() {
  static const std::vector<double> fps = {0.125, 0.25, 0.5, 1, 2, 4, 8};
  return fps;
}

void weighted_sens(const FrocData& data, const std::vector<int32_t>& weights, const std::vector<double>& fps,
                   double* out) {
  int64_t images = 0, lesions = 0;
  for (size_t i = 0; i < data.lesions.size(); ++i) {
    images += weights[i];
    lesions += weights[i] * data.lesions[i];
  }
  if (lesions == 0) {
    std::fill(out, out + fps.size(), kNaN);
    return;
  }
  if (data.options.mode != SensMode::step) {
    const FrocCurve curve = curve_until(data, &weights, fps.back());
    const bool linear = curve.mode == SensMode::linear;
    const std::vector<FrocPoint> knots = linear ? upper_envelope(curve, Denominator::images) : curve.points;
    for (size_t k = 0; k < fps.size(); ++k)
      out[k] = interpolate(knots, fps[k], Denominator::images).sensitivity;
    return;
  }
  int64_t found = 0, false_positives = 0, found_at_point = 0;
  size_t k = 0;
  for (size_t i = 0; i < data.judged.size() && k < fps.size(); ++i) {
    const Judged& d = data.judged[i];
    const int32_t w = weights[size_t(d.image)];
    found += int64_t(w) * d.found;
    false_positives += d.false_positive ? w : 0;
    if (i + 1 < data.judged.size() && data.judged[i + 1].score == d.score) continue;
    const double x = double(false_positives) / double(images);
    while (k < fps.size() && x > fps[k]) out[k++] = double(found_at_point) / double(lesions);
    found_at_point = found;
  }
  while (k < fps.size()) out[k++] = double(found_at_point) / double(lesions);
}

}  // namespace cawe::eval
