// SPDX-License-Identifier: Apache-2.0
// A study: shared models trained once, one detector for each row and seed, paired comparison on one test set,
// report.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/sample.h"
#include "eval/evaluate.h"
#include "eval/localisation.h"
#include "eval/same_system.h"
#include "report/page/page.h"
#include "study/plan.h"
#include "train/classifier_task.h"
#include "train/datasets.h"
#include "train/enhancing.h"
#include "train/run_setup.h"

namespace cawe::study {

using train::RunRequest;

/// A row of the plan, trained once for each seed and fold.
struct StudyRow {
  RowPlan plan;
  std::vector<std::string> runs;  ///< folders of the trainings, by seed and then by fold
  std::vector<std::shared_ptr<eval::Evaluation>> seeds;
  std::vector<std::vector<eval::Detection>> detections;  ///< by seed
  bool is_baseline() const { return plan.kind == RowKind::paper && plan.method == "none"; }
};

/// How often chance alone is called a difference: a detector's plain runs, and those with other seeds.
struct SameSystem {
  std::string detector;
  eval::SameSystemShare share;
};

/// A row that fuses a map against the same with other persons' maps: what the map's place is worth. A family of its own
/// in Holm's correction.
struct AgainstControl {
  std::string detector, method, control;
  report::ReportRow row;  ///< its difference is method - control
};

/// Lesion-free films of another source (the key `extra`), which rows of the paper are run on, too.
struct ExtraFilms {
  std::string recipe;  ///< "" where there are none
  train::SplitData data;
  std::vector<int64_t> chosen;  ///< samples
  Strings leaks;                ///< those that were allowed, as sentences
};

/// What report and tables are made from.
struct StudyResult {
  StudySettings settings;
  std::string out, recipe_text;
  train::Environment environment;  ///< the command that made it
  std::vector<StudyRow> rows;
  std::vector<std::string> shared;  ///< folders or files of the models that rows share
  std::string classifier;           ///< the one among them; "" where there is none, or one for each fold
  train::Hashes weights;            ///< of those that are trained in the study's folder: name and SHA-256
  train::SplitData data;
  Strings
      train_folds;  ///< that train a detector; empty with `folds`, each of which is tested by detectors of the others
  std::vector<int64_t> test;
  std::vector<eval::TruthImage> truth;
  ExtraFilms extra;
  /// Enhancement chains of the rows, by method: one, or one for each fold where its models are trained for each.
  std::map<std::string, std::vector<train::Chain>> chains;
  data::LoaderOptions loader;
  double alpha = 0;                                 ///< fuse.alpha
  std::vector<eval::LocalisationRow> localisation;  ///< empty without maps
  std::vector<report::ReportRow> compared;          ///< of the rows, in their order
  std::vector<AgainstControl> against_controls;
  std::vector<SameSystem> same_system;          ///< of the detectors that have an A/A row
  std::vector<report::MapClasses> map_classes;  ///< of each test film's map; empty without maps
  std::vector<report::ReportTable> tables;
  std::vector<report::Figure> drawings;  ///< before the numbered figures
  double seconds = 0;                    ///< training time of all runs

  /// The row without enhancement of the same detector.
  const StudyRow& baseline(const StudyRow& row) const;
  /// The fold in which a test image is tested; 0 without folds.
  size_t fold_of(size_t test_image) const;
  /// The chain whose models do not know the image.
  const train::Chain& chain(const std::string& method, size_t test_image) const;
  /// A method of the rows whose maps the report shows: "cawe", else another that fuses its film's map; "" for none.
  std::string map_method() const;
  /// An enhancement that can make the image's map, or null.
  std::shared_ptr<models::CaweEnhancer> map_maker(size_t test_image) const;
};

/// Runs the study of a recipe (plan.h). Shared models are trained once; with request.resume, rows that are
/// done are not done again. Writes results.csv, results.json, report.html and one folder for each row under
/// request.out. Returns a summary as JSON.
std::string run_study(const Recipe& recipe, const RunRequest& request);

// Steps of run_study().
/// The lesion-free films that a recipe with a [data] section names; data.test_folds choose.
ExtraFilms read_extra_films(const std::string& extra_recipe);
/// Whether a row has one detector for each seed that can run on them: no shuffled maps, no folds.
bool runs_on_extra_films(const StudySettings& settings, const RowPlan& plan);
/// Throws leak where a person or a film among them trains the row's detector or its chain; where leaks are allowed, the
/// sentence is kept. `request`: of a run that checks only (train/run_setup.h).
void check_extra_leaks(ExtraFilms& extra, Recipe& row, const RunRequest& request);
/// A table of sensitivities with these as extra test films, and how well the source can be told from the film.
void study_extra_films(StudyResult& study);
/// The attention maps of the test films of whose lesions something is in the frame (frame.h); none where no row has maps.
struct StudyMaps {
  std::vector<size_t> films;  ///< positions in `test` and `truth`
  /// Boxes: the film's lesions as `truth` has them, before its ignored regions, but in the map's frame.
  std::vector<eval::MapSample> samples;
  std::vector<report::MapClasses> classes;  ///< of every test film, by position
};
StudyMaps study_maps(const StudyResult& study);
/// Does the map find the lesions of the test set (pointing, energy)?
std::vector<eval::LocalisationRow> study_localisation(const StudyResult& study, const StudyMaps& maps);
/// Whether there were other units' maps to compare with: without them the row's verdict says nothing.
bool judged(const eval::LocalisationRow& row);
/// Whether it has a true box that is no ignored region.
bool has_lesion(const eval::TruthImage& image);
/// What image i of a batch of maps of films is made of, the classes named by the chain of the test image.
report::MapClasses map_classes(const StudyResult& study, size_t test_image, const models::AttentionMaps& maps,
                               int64_t i = 0);
/// On how many test films no class is active, so that the map is a fallback: a table of the report and map_classes.csv
/// (image,lesions,map_of,class,sigma).
void study_fallbacks(StudyResult& study);
/// The same in a sentence; "" where there is no such film, or no map.
std::string fallback_finding(const StudyResult& study);
/// Films found, rejected, without box annotation and in each fold, with persons, lesions, sex, age and view: a table of the
/// report, films_flow.csv, and a drawing.
void study_flow(StudyResult& study);
/// Sensitivities on lesions in dark, middle and bright parts of their maps, for rows with maps and their
/// controls: a table of the report and lesions_by_map.csv.
void study_lesions_by_map(StudyResult& study, const StudyMaps& maps);
/// What a detector found in some of the study's test films, as the metrics take it; of a run that was done
/// before, from its detections.csv. Throws data for a film that is not in the test set.
std::vector<eval::Detection> detections_on(const std::vector<std::vector<train::FoundBox>>& found,
                                           const std::vector<eval::TruthImage>& truth);
std::vector<eval::Detection> read_detections(const std::string& path,
                                             const std::vector<eval::TruthImage>& truth);
/// An enhancement's display name: "Color + CAWE" for "color+cawe".
std::string method_name(const std::string& enhancement);
/// A row's name beside its detector's, "plain" or its enhancement's, and with it: "RetinaNet, plain".
std::string row_name(const RowPlan& plan);
std::string full_name(const RowPlan& plan);
/// 100 part / of without digits behind the point: "38 %"; "n/a" where it is not defined.
std::string percent(double part, double of = 1);
/// Every row over its seeds, against its baseline and its control; the A/A shares; a table of the report.
void compare_rows(StudyResult& study);
/// The score threshold that a run fixed on its validation films, from its results.json, and how; NaN and "" where there is none.
/// Throws io and data.
double fixed_threshold(const std::string& run, std::string* chosen);
/// Figures beside those that are compared, of every row, and sensitivities by size and finding of the lesions: tables of the
/// report, further.csv and lesions_by.csv.
void study_further(StudyResult& study);
/// Figure 5: calibration of the first seed of each plain row, and of the classifier's labels where its run was tested. Empty
/// where there is nothing to show.
std::vector<report::Figure> study_reliability(const StudyResult& study);
/// results.csv, methods.csv, same_system.csv and results.json.
void write_study_tables(const StudyResult& study);
void write_study_report(const StudyResult& study);

}  // namespace cawe::study
