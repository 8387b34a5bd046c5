// SPDX-License-Identifier: Apache-2.0
// The study: one classifier, one detector a row and seed, paired comparison on one test set, report.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/sample.h"
#include "eval/evaluate.h"
#include "eval/localisation.h"
#include "eval/report.h"
#include "train/classifier_task.h"
#include "train/datasets.h"
#include "train/enhancing.h"

namespace cawe::train {

/// One detector and enhancement, trained once for each seed.
struct StudyRow {
  std::string detector, enhancement;
  bool control = false;
  std::vector<std::string> runs;  ///< folders of each seed's training, by fold and then by seed
  std::vector<std::shared_ptr<eval::Evaluation>> seeds;
  std::vector<std::vector<eval::Detection>> detections;  ///< by seed
};

/// What report and table are made from.
struct StudyResult {
  std::string title, out, recipe_text;
  bool demonstration = false;
  std::vector<int64_t> seed_numbers;
  std::vector<StudyRow> rows;
  SplitData data;
  std::vector<int64_t> test;
  std::vector<eval::TruthImage> truth;
  eval::EvaluateOptions options;
  Chain chain;  ///< the cawe row's; without classifier where no row uses maps
  data::LoaderOptions loader;
  std::vector<eval::LocalisationRow> localisation;    ///< empty without maps
  std::vector<std::pair<std::string, double>> auroc;  ///< of the classifier, by label, on its own test folds
  std::vector<eval::ReportTable> tables;
  std::vector<std::string> notes;
  int64_t panels = 6;
  double seconds = 0;
};

/// Keys title, demonstration, seeds, detectors, rows, controls, classifier (a recipe, or a trained run),
/// retinanet (a recipe), pretrained (detectors start from the classifier's body), panels, boot.draws,
/// folds (0, or k: every fold of data.split = "k_folds" is tested once and detections are pooled),
/// extra (a recipe whose [data] gives lesion-free films of another source, tested apart).
/// Recipes are named relative to the study's file. Rows that are done are not done again (request.resume).
/// Writes results.csv, results.json, report.html and one folder a row under request.out.
std::string run_study(Recipe& recipe, const RunRequest& request);

// Parts of it.
/// Lesion-free films of another source as extra test films: sensitivities with and without them, and how well
/// the source can be told from the film. `extra` is a recipe with a [data] section; data.test_folds choose.
void study_extra_films(StudyResult& study, const std::string& extra_recipe);
/// Does the map find the lesions of the test set (pointing, energy)?
std::vector<eval::LocalisationRow> study_localisation(const StudyResult& study);
void write_study_report(const StudyResult& study);

}  // namespace cawe::train
