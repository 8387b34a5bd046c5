// SPDX-License-Identifier: Apache-2.0
// Free-response ROC of box detections: sensitivity against false positives per image, under a stated rule.
//
// Detections of all images are pooled and taken by falling score (ties: image order, then detection order).
// Each one: (1) candidates are the lesions of its image that the rule accepts; (2) none: false positive; (3)
// an unfound candidate: the one with the largest overlap (tie: lowest index) becomes found, true positive;
// (4) all found: duplicate, ignored or false positive. Labels are ignored: a lesion is a lesion. Points exist
// only at distinct scores. Whether a detection is right depends on its own image alone, so that it is judged
// once and every bootstrap draw only re-weights images.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/detections.h"

namespace cawe::eval {

enum class FrocRule {
  iou,        ///< intersection over union >= threshold, inclusive
  centre,     ///< the detection's centre lies in the lesion's box, borders included; overlap = IoU
  iobb,       ///< intersection / detection area >= threshold
  deeplesion  ///< IoU of boxes one pixel wider; a detection finds every lesion it covers and is then never
              ///< false
};
enum class Duplicates { ignore, fp };
enum class SensMode {
  step,    ///< highest sensitivity at a point with x <= N
  linear,  ///< between the best points of each x, from (0, value at x = 0 or 0) on
  raw      ///< between neighbouring points as they are (deeplesion)
};
enum class Denominator { images, negatives };

struct FrocOptions {
  FrocRule rule = FrocRule::iou;
  double threshold = 0.5;
  Duplicates duplicates = Duplicates::ignore;
  SensMode mode = SensMode::step;
};

/// Reads "iou", "centre", "iobb" or "deeplesion" (which also sets IoU 0.5 and the raw mode). Throws
/// Error(usage) naming the choices.
FrocOptions froc_preset(const std::string& rule);
Duplicates parse_duplicates(const std::string& text);
/// "step" or "linear"; "auto": the rule's own. Throws Error(usage) naming the choices, and for the deeplesion
/// rule, which has its own reading.
void set_interpolation(FrocOptions* options, const std::string& text);
/// "IoU >= 0.5, duplicates ignored, step": printed beside every number made with it.
std::string describe(const FrocOptions& options);

/// A judged detection. `found` lesions are > 1 only under the deeplesion rule.
struct Judged {
  double score = 0;
  int64_t image = 0;
  int32_t found = 0;
  bool false_positive = false;
};

/// What FROC needs of a test set and a system: judged detections by falling score and per-image counts.
struct FrocData {
  std::vector<Judged> judged;
  std::vector<int64_t> lesions;  ///< by image, crowd regions left out
  FrocOptions options;
};

/// Judges every detection. Throws Error(data) on bad detections, Error(usage) on a threshold outside (0, 1].
FrocData judge(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections,
               const FrocOptions& options = {});

/// One operating point: all detections with score >= threshold are kept.
struct FrocPoint {
  double threshold = 0;
  double sensitivity = 0;
  double fp_per_image = 0;
  double fp_per_negative = 0;  ///< NaN without lesion-free images
  int64_t found = 0, false_positives = 0, negative_false_positives = 0;
};

struct FrocCurve {
  std::vector<FrocPoint> points;  ///< by falling threshold; may be empty
  int64_t images = 0, negatives = 0, lesions = 0;
  SensMode mode = SensMode::step;
};

/// The curve; `weights`, where given, says how often each image was drawn. Throws Error(data) where there is
/// no lesion at all.
FrocCurve froc_curve(const FrocData& data, const std::vector<int32_t>* weights = nullptr);

/// A sensitivity read off the curve.
struct SensAt {
  double fp = 0;            ///< the N of Sens@N
  double sensitivity = 0;   ///< NaN for the negatives denominator without lesion-free images
  double threshold = 0;     ///< score threshold of the point used; +inf where there is none
  bool curve_ends = false;  ///< the curve stops before N
  double ends_at = 0;       ///< last x of the curve
};
SensAt sens_at(const FrocCurve& curve, double fp, Denominator denominator = Denominator::images);
std::vector<SensAt> sens_at(const FrocCurve& curve, const std::vector<double>& fps,
                            Denominator denominator = Denominator::images);

/// 1, 2, 3, 4 and the seven of LUNA: 1/8, 1/4, 1/2, 1, 2, 4, 8.
const std::vector<double>& paper_fps();
const std::vector<double>& luna_fps();

/// Sens@N in the weighted set, without building the curve where the mode is step. NaN where no lesion was
/// drawn. out.size() == fps.size(); fps must rise.
void weighted_sens(const FrocData& data, const std::vector<int32_t>& weights, const std::vector<double>& fps,
                   double* out);

}  // namespace cawe::eval
