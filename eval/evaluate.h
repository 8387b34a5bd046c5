// SPDX-License-Identifier: Apache-2.0
// Every figure of one system on one test set, with intervals: what `cawe evaluate` prints and a study's row
// holds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/units.h"
#include "eval/bootstrap.h"
#include "eval/detections.h"
#include "eval/froc.h"
#include "eval/mean_ap.h"

namespace cawe::eval {

/// FROC rule and bootstrap.
struct EvaluateOptions {
  FrocOptions froc;
  int64_t draws = 2000;  ///< bootstrap draws, B
  uint64_t seed = 0;
  double level = 0.95;
  /// What TruthImage::patient names; image where patients are not known at all.
  data::FilmUnit unit = data::FilmUnit::patient;
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
  std::vector<SensRow> sens;                        ///< at 1/8 1/4 1/2 1 2 3 4 8
  Interval mean_paper;                              ///< mean of Sens@1, 2, 3, 4
  /// Mean of Sens@1/8, 1/4, 1/2, 1, 2, 4, 8 (LUNA16's score).
  Interval mean_luna;
  Interval map50;  ///< COCO AP at IoU 0.5, all labels taken as one
  CocoSummary coco;
  std::vector<PascalRow> pascal;  ///< IoU .1 .3 .5 .75
  std::vector<std::string> notes;
  std::vector<std::string> doubts;  ///< those of the notes for which the figures may be too good

  /// Values over the draws for paired comparison: Sens@1, 2, 3, 4, their mean, mAP50; [6][draws].
  std::vector<std::vector<double>> drawn;

  const SensRow& at(double fp) const;
};

/// Throws Error(data) on bad detections. Without a lesion sensitivities and AP are NaN, and a note says so.
Evaluation evaluate(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections,
                    const EvaluateOptions& options = {}, bool patients_known = true);

/// Paired differences b - a on the same truth and draws: Sens@1, 2, 3, 4, mean, mAP50. Each side may be
/// several seeds of one system, whose figures are averaged. Throws Error(internal) where the draws differ.
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
