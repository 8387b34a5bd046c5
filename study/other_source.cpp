// SPDX-License-Identifier: Apache-2.0
// Lesion-free films of another source as additional test films, reported separately: if a detector can tell
// the source from the film, such films are easy for it.
#include <algorithm>
#include <cmath>

#include "data/decode.h"
#include "eval/source_check.h"
#include "study/resume.h"
#include "study/study.h"
#include "tensor/io/format.h"
#include "tensor/text.h"
#include "train/detector_recipe.h"
#include "train/detector_task.h"
#include "train/run_changes.h"

namespace cawe::study {
namespace {

/// Features for the source check: mean and standard deviation of each of 8 x 8 cells of the network's input.
void add_features(const data::Sample& sample, const data::LoaderOptions& loader,
                  std::vector<float>* features) {
  constexpr int kCells = 8;
  data::Geometry geometry;
  const data::FloatImage film = data::fit_image(data::decode_gray(sample), loader.width, loader.height,
                                                loader.fit, loader.filter, &geometry);
  for (int cy = 0; cy < kCells; ++cy)
    for (int cx = 0; cx < kCells; ++cx) {
      double sum = 0, squares = 0;
      int n = 0;
      for (int y = cy * film.height / kCells; y < (cy + 1) * film.height / kCells; ++y)
        for (int x = cx * film.width / kCells; x < (cx + 1) * film.width / kCells; ++x, ++n) {
          sum += double(film.at(x, y));
          squares += double(film.at(x, y)) * double(film.at(x, y));
        }
      const double mean = sum / n;
      features->push_back(float(mean));
      features->push_back(float(std::sqrt(std::max(0.0, squares / n - mean * mean))));
    }
}

eval::SourceCheck tell_sources(const StudyResult& study, const data::Dataset& extra,
                               const std::vector<int64_t>& chosen) {
  std::vector<float> features;
  std::vector<int> source;
  std::vector<std::string> patients;
  const auto add = [&](const data::Sample& s, int which) {
    add_features(s, study.loader, &features);
    source.push_back(which);
    patients.push_back((which ? "extra " : "test ") + s.patient_id);
  };
  for (const int64_t i : study.test) add(study.data.dataset.samples[size_t(i)], 0);
  for (const int64_t i : chosen) add(extra.samples[size_t(i)], 1);
  return eval::source_check(features, int64_t(features.size() / source.size()), source, patients,
                            study.settings.options.draws, study.settings.options.seed);
}

/// Whom the row's detector and its chain will know when it is trained.
std::vector<data::TrainedPatients> will_know(Recipe& row, const RunRequest& request) {
  const train::RunSetup s = train::set_up(row, request);
  const data::Dataset& dataset = s.data.dataset;
  std::string own =
      data::manifest_text(data::trained_patients("", dataset, train::box_annotated(dataset, s.train)));
  own += train::first_weights(*train::detector_from(row, 1), row, s.seed, true, request).manifest;
  std::vector<data::TrainedPatients> all = s.chain.trained;
  all.push_back(data::parse_manifest("the rows' detector", own));
  return all;
}

}  // namespace

ExtraFilms read_extra_films(const std::string& extra_recipe) {
  const Recipe recipe = Recipe::read(extra_recipe, "films");
  ExtraFilms extra{extra_recipe, train::load_data(recipe), {}, {}};
  for (const int64_t i : train::fold_indices(extra.data.split, recipe.words("data.test_folds"))) {
    const data::Sample& s = extra.data.dataset.samples[size_t(i)];
    bool sick = !s.boxes.empty();
    for (const float label : s.labels) sick |= label != 0;
    if (!sick) extra.chosen.push_back(i);
  }
  CAWE_CHECK(!extra.chosen.empty(), Code::data, extra_recipe,
             ": no lesion-free film in the folds of data.test_folds");
  return extra;
}

bool runs_on_extra_films(const StudySettings& settings, const RowPlan& plan) {
  return plan.kind == RowKind::paper && settings.folds == 0;
}

void check_extra_leaks(ExtraFilms& extra, Recipe& row, const RunRequest& request) {
  const std::vector<data::TrainedPatients> trained =
      is_done(request.out) ? train::Detector(request.out).trained() : will_know(row, request);
  std::string leak = data::check_leaks(extra.data.dataset, extra.chosen, trained, true);
  // A run that goes on may have been trained on others before.
  if (leak.empty() && request.resume)
    leak = train::check_trained_until_now(request.out, extra.data.dataset, extra.chosen, true);
  if (leak.empty()) return;
  if (begins_with(leak, train::kLeakAllowed)) leak.erase(0, std::string(train::kLeakAllowed).size());
  const std::string sentence = extra.recipe + ": films of another source: " + leak;
  CAWE_CHECK(row.flag("allow_leak"), Code::leak, sentence,
             " (expected none; --allow-leak goes on and says so in what it writes)");
  if (std::count(extra.leaks.begin(), extra.leaks.end(), train::kLeakAllowed + sentence) == 0)
    extra.leaks.push_back(train::kLeakAllowed + sentence);
}

void study_extra_films(StudyResult& study) {
  const data::Dataset& films = study.extra.data.dataset;
  const std::vector<int64_t>& chosen = study.extra.chosen;
  const eval::SourceCheck check = tell_sources(study, films, chosen);
  report::ReportTable t;
  t.title = "With lesion-free films of another source";
  const data::FilmUnit mine = study.data.unit, theirs = study.extra.data.unit;
  // Of two units, as patients and images, there is no number in common.
  const std::string whose =
      mine == theirs ? " of " + data::counted_units(check.patients, mine) + " in all" : "";
  t.caption =
      counted(int64_t(chosen.size()), "normal film") + whose + (chosen.size() == 1 ? " joins" : " join") +
      " the test set. From 8 x 8 gray cells alone a linear classifier tells the "
      "source of a film with AUROC " +
      fixed(check.auroc.value) + " [" + fixed(check.auroc.low) + ", " + fixed(check.auroc.high) + "]" +
      (check.auroc.value > 0.9 ? ": so well that few false positives on them prove little." : ".");
  if (study.settings.seeds.size() > 1)
    t.caption += " Figures are of the first seed alone (" + std::to_string(study.settings.seeds[0]) + ").";
  t.header = {"row",    "Sens@1", "Sens@2",
              "Sens@3", "Sens@4", "false positives per extra film at the threshold of Sens@1"};
  for (const StudyRow& row : study.rows) {
    if (!runs_on_extra_films(study.settings, row.plan)) continue;
    train::Detector detector(row.runs[0]);
    const auto found = detector.detect(films, chosen);
    std::vector<eval::TruthImage> truth = study.truth;
    const std::vector<eval::TruthImage> more = train::truth_of(films, chosen);
    truth.insert(truth.end(), more.begin(), more.end());
    std::vector<eval::Detection> detections = row.detections[0];
    const double threshold = row.seeds[0]->at(1).at.threshold;
    int64_t false_positives = 0;
    for (eval::Detection d : train::detections_of(found)) {
      false_positives += d.score >= threshold;
      d.image += int64_t(study.truth.size());
      detections.push_back(d);
    }
    eval::EvaluateOptions options = study.settings.options;
    options.draws = 1;  // no interval is needed
    const eval::Evaluation e = eval::evaluate(truth, detections, options, true);
    std::vector<std::string> cells{full_name(row.plan)};
    for (const double n : {1.0, 2.0, 3.0, 4.0}) cells.push_back(fixed(e.at(n).at.sensitivity));
    cells.push_back(fixed(double(false_positives) / double(chosen.size())));
    t.rows.push_back(cells);
  }
  study.tables.push_back(t);
}

}  // namespace cawe::study
