// SPDX-License-Identifier: Apache-2.0
// Every figure of one system on one test set, with intervals: what `cawe evaluate` prints and a study's row
// holds.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "data/units.h"
#include "eval/bootstrap.h"
#include "eval/calibration.h"
#include "eval/detections.h"
#include "eval/froc.h"
#include "eval/jafroc.h"
#include "eval/lroc.h"
#include "eval/mean_ap.h"
#include "eval/operating_point.h"
#include "eval/subgroup_row.h"

namespace cawe::eval {

/// The figures that systems are compared by: Sens@1, 2, 3, 4, the mean of these, mAP50.
constexpr size_t kCompared = 6, kComparedMean = 4, kComparedMap50 = 5;

/// FROC rule and bootstrap.
struct EvaluateOptions {
  FrocOptions froc;
  int64_t draws = kDraws;  ///< bootstrap draws, B
  uint64_t seed = 0;
  double level = 0.95;
  /// A score threshold that was fixed before; NaN: none.
  double threshold = std::numeric_limits<double>::quiet_NaN();
  /// How it was chosen, or why none could be; "" where nobody chose one. In words, for results.
  std::string threshold_from = {};
  /// What TruthImage::patient names; image where patients are not known at all.
  data::FilmUnit unit = data::FilmUnit::patient;
};

/// Sensitivities under the second rule, lenient_rule() of froc.h: misses that are only outlines are hits under it.
struct LenientSens {
  FrocOptions rule;
  std::array<Interval, 4> sens;  ///< at 1, 2, 3, 4 false positives per image
  Interval mean;                 ///< of the four
};

/// Sens@N with its interval. `negatives`: the same with false positives counted on lesion-free images only
/// (NaN where there are none).
struct SensRow {
  SensAt at;
  Interval interval;
  SensAt negatives;
};

/// What is known of the films that the system looked at. Only evaluate_files() fills it.
struct LookedAtFilms {
  bool from_files = false;
  std::string list;      ///< the file that names them; empty: every film of the truth counts as looked at
  int64_t left_out = 0;  ///< films of the truth that are not in the list: they are not judged
  int64_t trained =
      0;  ///< judged films that trained the system, or whose persons did, as far as the list says so
};

struct PascalRow {
  double threshold = 0;
  PascalAp ap;  ///< mean over the truth's labels
};

constexpr int64_t kBandDraws = 500;
/// With fewer draws than this the ends of a 95 % interval are a few draws' doing, and a note says so.
constexpr int64_t kFewDraws = 1000;

/// All figures of one system on one test set.
struct Evaluation {
  int64_t images = 0, patients = 0,  ///< patients: units, whatever they are
      negatives = 0, lesions = 0, detections = 0;
  data::FilmUnit unit = data::FilmUnit::image;  ///< what intervals are drawn over
  bool patients_known = false;                  ///< the unit is the patient
  int64_t without_person = 0;  ///< images whose person is unknown, each counted as a person of its own
  LookedAtFilms films;
  EvaluateOptions options;
  FrocCurve curve;
  std::vector<double> band_x, band_low, band_high;  ///< pointwise interval of the curve at x = 0 … 8
  /// The curve at band_x, and what the first kBandDraws draws make of it, [band_x][draws]: for a band over several seeds.
  std::vector<double> band_value;
  std::vector<std::vector<double>> band_drawn;
  std::vector<SensRow> sens;  ///< at 1/8 1/4 1/2 1 2 3 4 8
  Interval mean_paper;        ///< mean of Sens@1, 2, 3, 4
  /// Mean of Sens@1/8, 1/4, 1/2, 1, 2, 4, 8 (LUNA16's score).
  Interval mean_luna;
  Interval map50;  ///< COCO AP at IoU 0.5, all labels taken as one
  CocoSummary coco;
  std::vector<PascalRow> pascal;  ///< IoU .1 .3 .5 .75
  LenientSens sens_lenient;
  JafrocFigures jafroc;
  std::vector<FrocAreaRow> froc_area;  ///< up to 4 and up to 8 false positives per image
  LrocFigures lroc;
  Calibration calibration;      ///< of the detections' scores under the first rule
  OperatingPoint at_threshold;  ///< at options.threshold; its `threshold` is NaN where none is given
  /// Lesions by size and by finding. Only evaluate_files() fills it: a study has all seeds of a row at once (subgroups.h).
  std::vector<SubgroupRow> lesions_by;
  /// Draws of some of the further figures, [kFurtherKept][draws] (eval/further.h).
  std::vector<std::vector<double>> further_drawn;
  std::vector<std::string> notes;
  std::vector<std::string> doubts;  ///< those of the notes for which the figures may be too good

  /// The compared figures over the draws, [kCompared][draws].
  std::vector<std::vector<double>> drawn;

  const SensRow& at(double fp) const;
  /// A compared figure of the whole set.
  double compared(size_t figure) const;
};

/// Throws Error(internal) where two evaluations are not of the same test set and draws.
void check_same_draws(const Evaluation& a, const Evaluation& b);

/// Throws Error(data) on bad detections. Without a lesion sensitivities and AP are NaN, and a note says so.
Evaluation evaluate(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections,
                    const EvaluateOptions& options = {}, bool patients_known = true);

/// Paired differences b - a of the compared figures on the same truth and draws: what these weights do on other patients.
/// Each side may be several seeds of one system, whose figures are averaged; compare_methods() (eval/methods.h) says what
/// that supports about methods. Throws Error(internal) where the draws differ.
std::vector<Difference> compare(const std::vector<const Evaluation*>& a,
                                const std::vector<const Evaluation*>& b);

struct EvaluateFiles {
  std::string detections, truth, patients;  ///< patients may be empty
  /// The list of the films that were looked at (eval/films.h). Empty: the one beside the detections, if it is there.
  std::string films = "";
};
/// The list that is judged by: `films`, else what is beside the detections; empty where there is none.
std::string films_list(const EvaluateFiles& files);
/// Reads, checks and evaluates; errors name file, row and what was expected. Persons are those of `patients`, else
/// those of the list of films.
Evaluation evaluate_files(const EvaluateFiles& files, const EvaluateOptions& options = {});

}  // namespace cawe::eval
