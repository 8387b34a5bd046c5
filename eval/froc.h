// SPDX-License-Identifier: Apache-2.0
// Free-response ROC of box detections: sensitivity against false positives per image, under a stated rule.
//
// Detections of all images are pooled and taken by falling score (ties: image order, then detection order).
// For each one: (1) its candidates are the lesions of its image that the rule accepts; (2) without any it is
// a false positive; (3) if a candidate is not yet found, the one with the largest overlap (tie: lowest index)
// becomes found, and the detection is a true positive; (4) if all are found it is a duplicate, ignored or a
// false positive. Labels are ignored: all lesions are one class. The curve has points only at distinct
// scores. The judgement of a detection depends on its own image alone, so it is made once and bootstrap draws
// only re-weight images.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/detections.h"

namespace cawe::eval {

enum class FrocRule {
  iou,     ///< intersection over union >= threshold, inclusive
  centre,  ///< the detection's centre lies in the lesion's box, borders included; overlap = IoU
  iobb,    ///< intersection / detection area >= threshold
  /// DeepLesion's evaluation code: IoU of boxes one pixel wider; a detection finds every lesion that it
  /// covers, and one that covers any lesion is never a false positive.
  deeplesion,
  overlap_or_centre  ///< IoU >= threshold, inclusive, or the centre as above; overlap = IoU
};
enum class Duplicates { ignore, fp };
enum class SensMode {
  step,    ///< highest sensitivity at a point with x <= N
  linear,  ///< interpolates between the best points of each x, starting at (0, value at x = 0, or 0)
  raw      ///< interpolates between neighbouring points as they are (deeplesion)
};
enum class Denominator { images, negatives };

/// The rule by which detections are judged and the curve is read.
struct FrocOptions {
  FrocRule rule = FrocRule::iou;
  double threshold = 0.5;
  Duplicates duplicates = Duplicates::ignore;
  SensMode mode = SensMode::step;
};

/// Reads "iou", "centre", "iobb", "deeplesion" (which also sets IoU 0.5 and the raw mode) or "overlap_or_centre" (which
/// sets IoU 0.2). Throws Error(usage) naming the choices.
FrocOptions froc_preset(const std::string& rule);
/// True where the rule asks for an overlap that may be chosen (`froc.iou`, `--iou`): not for centre, which has none, and
/// overlap_or_centre, whose 0.2 is part of its name in every report.
bool takes_threshold(FrocRule rule);
/// The second rule that is reported beside `first`: overlap_or_centre, with the same duplicates, read in the same way
/// (in steps beside deeplesion, whose reading is its own).
FrocOptions lenient_rule(const FrocOptions& first);
Duplicates parse_duplicates(const std::string& text);
/// "step" or "linear"; "auto": the rule's own mode. Throws Error(usage) naming the choices, and for any mode
/// but "auto" under the deeplesion rule, which has its own.
void set_interpolation(FrocOptions* options, const std::string& text);
/// "IoU >= 0.5, duplicates ignored, step": printed beside every number made with it.
std::string describe(const FrocOptions& options);

/// A judged detection. `found`, the number of lesions it finds, is above 1 only under the deeplesion rule.
struct Judged {
  double score = 0;
  int64_t image = 0;
  int32_t found = 0;
  bool false_positive = false;
};

/// What the curve is computed from: judged detections by falling score, and counts of each image.
struct FrocData {
  std::vector<Judged> judged;
  std::vector<int64_t> lesions;  ///< of each image, without crowd regions
  FrocOptions options;
};

/// Judges every detection. Throws Error(data) on bad detections, Error(usage) on a threshold outside (0, 1].
FrocData judge(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections,
               const FrocOptions& options = {});

/// One operating point: all detections with score >= threshold are kept.
struct FrocPoint {
  double threshold = 0;
  double sensitivity = 0;  ///< NaN where there is no lesion at all
  double fp_per_image = 0;
  double fp_per_negative = 0;  ///< NaN where there are no lesion-free images
  int64_t found = 0, false_positives = 0, negative_false_positives = 0;
};

/// The curve: operating points at distinct scores, and what the counts are relative to.
struct FrocCurve {
  std::vector<FrocPoint> points;  ///< by falling threshold; may be empty
  int64_t images = 0, negatives = 0, lesions = 0;
  SensMode mode = SensMode::step;
};

/// The curve; `weights`, if given, says how often each image was drawn.
FrocCurve froc_curve(const FrocData& data, const std::vector<int32_t>* weights = nullptr);

/// A sensitivity read off the curve.
struct SensAt {
  double fp = 0;  ///< the N of Sens@N
  /// NaN where there is no lesion, and for false positives on lesion-free images where there are none.
  double sensitivity = 0;
  double threshold = 0;     ///< score threshold of the point used; +inf where there is none
  bool curve_ends = false;  ///< the curve stops before N
  double ends_at = 0;       ///< last x of the curve
};
/// Sens@N by the curve's mode, with false positives counted on all images or on lesion-free ones.
SensAt sens_at(const FrocCurve& curve, double fp, Denominator denominator = Denominator::images);
std::vector<SensAt> sens_at(const FrocCurve& curve, const std::vector<double>& fps,
                            Denominator denominator = Denominator::images);

/// 1, 2, 3, 4, and the seven points of LUNA16: 1/8, 1/4, 1/2, 1, 2, 4, 8.
const std::vector<double>& paper_fps();
const std::vector<double>& luna_fps();

/// Sens@N of a weighted set; in the step mode without building the curve. NaN where no lesion was drawn.
/// out.size() == fps.size(); fps must be ascending.
void weighted_sens(const FrocData& data, const std::vector<int32_t>& weights, const std::vector<double>& fps,
                   double* out);

}  // namespace cawe::eval
