// SPDX-License-Identifier: Apache-2.0
#include "study/study.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "data/leak.h"
#include "study/resume.h"
#include "study/same_rows.h"
#include "study/shared_models.h"
#include "tensor/io/files.h"
#include "tensor/io/json.h"
#include "tensor/text.h"
#include "train/detector_recipe.h"
#include "train/detector_task.h"
#include "train/enhanced_cache.h"
#include "train/run_changes.h"
#include "train/run_setup.h"

namespace cawe::study {
namespace fs = std::filesystem;
namespace {

class Study {
 public:
  Study(const Recipe& recipe, const RunRequest& request)
      : request_(request),
        checks_(request),
        source_(recipe.source()),
        result_(planned(recipe, request.out)),
        s_(result_.settings),
        shared_(s_, source_, request.out) {
    checks_.check_only = true;
    checks_.data_cache = std::make_shared<train::DataCache>();
  }

  std::string run() {
    read_recipes();
    load_test_set();
    check_rows();
    open_folder();
    train_shared_models();
    for (StudyRow& row : result_.rows)
      for_each_run(row.plan, [&](int64_t seed, int64_t fold) { train_row(row, seed, fold); });
    rank_folds_apart();
    evaluate_rows();
    study_flow(result_);
    const StudyMaps maps = study_maps(result_);
    result_.map_classes = maps.classes;
    result_.localisation = study_localisation(result_, maps);
    study_fallbacks(result_);
    study_lesions_by_map(result_, maps);
    if (!s_.extra.empty()) study_extra_films(result_);
    compare_rows(result_);
    study_further(result_);
    write_study_tables(result_);
    result_.seconds = train::seconds_in(result_.out);
    write_study_report(result_);
    train::remove_enhancement_cache(cache_dir());
    return summary();
  }

 private:
  static StudyResult planned(const Recipe& recipe, const std::string& out) {
    StudyResult result;
    result.settings = study_settings(recipe);
    result.out = out;
    result.recipe_text = recipe.resolved();
    for (const RowPlan& plan : result.settings.rows) result.rows.push_back({plan, {}, {}, {}});
    return result;
  }
  void say(const std::string& line) const {
    if (!request_.quiet) std::fprintf(stderr, "study: %s\n", line.c_str());
  }
  std::string cache_dir() const { return result_.out + "/enhanced"; }

  /// Makes the study's folder its own, or goes on in it with what it began with.
  void open_folder() {
    result_.environment = train::environment_of(request_, result_.data);
    for (const std::string& leak : result_.extra.leaks) {
      if (!request_.quiet) warn_once(leak);
      result_.environment.warnings.push_back(leak);
    }
    for (const SharedModel& model : shared_.all())
      if (!model.named.empty() && !model.is_recipe())
        for (const int64_t fold : shared_.folds_of(model))
          result_.environment.hashes.emplace_back(model.stage + (fold < 0 ? "" : std::to_string(fold)),
                                                  train::weights_hash(shared_.place(model.stage, fold)));
    const std::string out = result_.out, recipe_path = out + "/recipe.toml";
    claim_ = std::make_unique<FolderClaim>(out, "study", [&out] { return train::is_older_folder(out); });
    CAWE_CHECK(request_.resume || !fs::exists(recipe_path), Code::usage, out,
               ": holds a study already. Add --resume to go on with it, or choose another --out.");
    make_folders(out + "/rows");
    remove_leftovers(out);
    if (anything_trained(out)) {
      const std::vector<DoneRun> done = done_runs();
      train::Resume resume;
      resume.on = true;
      resume.accept_changes = request_.accept_changes;
      resume.quiet = request_.quiet;
      resume.found = differences_of_done(done);
      resume.check = [&] { return check_comparable(done, result_.data.dataset, s_.allow_leak); };
      const train::GoneOn now = train::go_on(out, result_.recipe_text, result_.environment, resume, "");
      for (const auto& [name, text] : now.files) write_file(out + "/" + name, text);
      result_.environment.changes = now.changes;
    } else {
      write_file(out + "/environment.json", train::environment_json(result_.environment));
      write_file(recipe_path, result_.recipe_text);
    }
  }

  /// The trainings that are done: they are not trained again.
  std::vector<DoneRun> done_runs() const {
    std::vector<DoneRun> done;
    for (const SharedModel& model : shared_.all())
      if (model.is_recipe())
        for (const int64_t fold : shared_.folds_of(model))
          if (const std::string run = shared_.place(model.stage, fold); is_done(run))
            done.push_back(
                {run, shared_.recipe(model, fold, true), shared_.hashes(model, fold, checks_), false, {}});
    for (const StudyRow& row : result_.rows)
      for_each_run(row.plan, [&](int64_t seed, int64_t fold) {
        const std::string run = run_of(row.plan, seed, fold);
        if (!is_done(run)) return;
        done.push_back({run, row_recipe(row.plan, seed, fold), hashes_.at({row.plan.folder(), fold}), true,
                        tested_in(fold)});
      });
    return done;
  }

  /// The test films of a fold; -1: all.
  std::vector<int64_t> tested_in(int64_t fold) const {
    std::vector<int64_t> films;
    for (const int64_t i : result_.test)
      if (fold < 0 || result_.data.split.fold[size_t(i)] == std::to_string(fold)) films.push_back(i);
    return films;
  }

  /// Trains into `run` unless that was done before.
  void train_once(RunRequest request, Recipe& recipe, const std::string& run, const std::string& what,
                  Trainer trainer, bool shared, std::vector<std::vector<train::FoundBox>>* found = nullptr) {
    if (is_done(run)) return;
    say(what);
    request.out = run;
    request.cache_dir = cache_dir();
    request.resume = true;
    request.found = found;
    try {
      trainer(recipe, request);
    } catch (const Error& error) {
      if (error.code() != Code::interrupted) throw;
      fail(Code::interrupted, result_.out, ": stopped by a signal in ", what,
           "; the state is saved. Go on with --resume.");
    }
    set_done(run, shared);
  }

  void train_shared_models() {
    for (const SharedModel& model : shared_.all())
      for (const int64_t fold : shared_.folds_of(model)) {
        if (model.named.empty()) continue;
        result_.shared.push_back(shared_.place(model.stage, fold));
        if (model.stage == "classifier" && !model.per_fold) result_.classifier = result_.shared.back();
        if (!model.is_recipe()) continue;
        Recipe recipe = shared_.recipe(model, fold, true);
        train_once(shared_.request_for(model, request_), recipe, result_.shared.back(),
                   model.stage + (fold < 0 ? "" : ", fold " + std::to_string(fold)), model.trainer, true);
        result_.weights.emplace_back(model.stage + (fold < 0 ? "" : std::to_string(fold)),
                                     train::weights_hash(result_.shared.back()));
      }
  }

  /// Calls fn(seed, fold) for every training of a row; fold -1: the split's own training and test sets.
  template <class Fn>
  void for_each_run(const RowPlan& plan, const Fn& fn) const {
    for (const int64_t seed : plan.seeds)
      for (int64_t fold = s_.folds > 0 ? 0 : -1; fold < std::max<int64_t>(s_.folds, 0); ++fold)
        fn(seed, fold);
  }
  std::string run_of(const RowPlan& plan, int64_t seed, int64_t fold) const {
    return result_.out + "/rows/" + plan.run(seed, fold);
  }

  /// Reads every recipe of the study, which checks it. The rows of a detector share its recipe: a key gets a
  /// warning only where it counts in none of them.
  void read_recipes() const {
    Strings warnings;
    for (const SharedModel& model : shared_.all())
      if (model.is_recipe() && !is_done(shared_.place(model.stage, -1)))
        for (const train::RecipeWarning& w : shared_.recipe(model, 0, false).warnings())
          warnings.push_back(w.line);
    std::map<std::string, std::vector<train::RecipeWarning>> in_all_rows;  // by detector
    std::map<std::string, std::string> ablated;                            // by recipe
    std::map<std::string, Recipe> of_method;                               // of the first detector
    for (const RowPlan& plan : s_.rows) {
      const Recipe recipe = row_recipe(plan, plan.seeds[0], -1);
      if (plan.kind == RowKind::ablation) {
        const auto [same, fresh] = ablated.emplace(plan.detector + recipe.resolved(), plan.enhancement);
        CAWE_CHECK(fresh, Code::usage, source_, ": ablate: \"", same->second, "\" and \"", plan.enhancement,
                   "\" would be one row (expected different values)");
      } else {
        check_same_pictures(of_method.emplace(plan.method, recipe).first->second, recipe);
      }
      const std::vector<train::RecipeWarning> here = recipe.warnings();
      const auto [found, first] = in_all_rows.emplace(plan.detector, here);
      if (first) continue;
      const auto counts_here = [&](const train::RecipeWarning& w) {
        return std::none_of(here.begin(), here.end(),
                            [&](const train::RecipeWarning& h) { return h.key == w.key; });
      };
      std::vector<train::RecipeWarning>& left = found->second;
      left.erase(std::remove_if(left.begin(), left.end(), counts_here), left.end());
    }
    for (const auto& [detector, left] : in_all_rows)
      for (const train::RecipeWarning& w : left)
        warnings.push_back(w.line + ", and no other row of the study reads it");
    if (!s_.extra.empty()) Recipe::read(s_.extra, "films");
    if (!request_.quiet)
      for (const std::string& line : warnings) warn_once(line);
  }

  /// Checks all rows now, so that a mistake in the last one is not found after all others were trained: every row
  /// with its data and its chain, in which random weights stand in for models that are not trained yet.
  void check_rows() {
    if (!s_.extra.empty()) result_.extra = read_extra_films(s_.extra);
    shared_.find_per_fold(result_.data.dataset, result_.test, person_folds(), checks_);
    for (int64_t fold = s_.folds > 0 ? 0 : -1; fold < std::max<int64_t>(s_.folds, 0); ++fold) {
      const train::StandIns stand_ins = shared_.stand_ins(checks_, fold);
      for (const StudyRow& row : result_.rows) {
        if (row.plan.kind == RowKind::ablation)
          check_films(row_recipe(row.plan, row.plan.seeds[0], -1),
                      source_ + ": ablate: " + row.plan.overrides[0]);
        for (const int64_t seed : row.plan.seeds) check_row(row.plan, seed, fold, stand_ins);
      }
    }
  }

  /// Seeds differ in nothing that is checked but what they go on from.
  void check_row(const RowPlan& plan, int64_t seed, int64_t fold, const train::StandIns& stand_ins) {
    RunRequest request = checks_;
    request.stand_ins = &stand_ins;
    request.out = run_of(plan, seed, fold);
    request.resume = request_.resume && !is_done(request.out);
    request.hashes = &hashes_[{plan.folder(), fold}];
    if (seed != plan.seeds[0] && (!request.resume || train::checkpoint_steps(request.out).empty())) return;
    Recipe recipe = row_recipe(plan, seed, fold);
    train::train_detector(recipe, request);
    if (s_.extra.empty() || seed != plan.seeds[0] || !runs_on_extra_films(s_, plan)) return;
    recipe = row_recipe(plan, seed, fold);
    check_extra_leaks(result_.extra, recipe, request);
  }

  /// All rows are judged on one test set: neither another detector's recipe nor an ablation may change it.
  void check_films(const Recipe& recipe, const std::string& whose) const {
    const train::SplitData data = train::data_of(recipe, checks_);
    check_same_films({result_.data, result_.test}, {data, test_films(recipe, data)}, whose);
  }
  static std::vector<int64_t> test_films(const Recipe& recipe, const train::SplitData& data) {
    return train::box_annotated(data.dataset,
                                train::fold_indices(data.split, recipe.words("data.test_folds")));
  }

  std::shared_ptr<const train::PersonFolds> person_folds() const {
    auto folds = std::make_shared<train::PersonFolds>();
    for (size_t i = 0; i < result_.data.split.fold.size() && s_.folds > 0; ++i) {
      const data::Sample& sample = result_.data.dataset.samples[i];
      // A shared model whose recipe has no groups knows the film by its own person, one on other films by the group.
      for (const std::string& person : data::persons_of(sample))
        (*folds)[person] = result_.data.split.fold[i];
    }
    return folds;
  }

  /// Fold -1: the split's own training and test sets.
  Recipe row_recipe(const RowPlan& plan, int64_t seed, int64_t fold) const {
    Recipe recipe = Recipe::read(s_.recipes.at(plan.detector), plan.detector);
    recipe.set(s_.detector_set, source_ + ": set");
    CAWE_CHECK(recipe.task() == plan.detector, Code::usage, recipe.where("task"), " is \"", recipe.task(),
               "\" (expected \"", plan.detector, "\")");
    train::put_froc(s_.options.froc, &recipe);
    if (s_.allow_leak) recipe.put("allow_leak", true);
    recipe.put("seed", seed);
    recipe.put("enhance.method", plan.method);
    recipe.put("control", plan.control);
    if (train::needs_classifier(plan.method))
      recipe.put("enhance.classifier", shared_.place("classifier", fold));
    if (train::needs_colorizer(plan.method))
      recipe.put("enhance.colorizer", shared_.place("colorizer", fold));
    if (s_.pretrained) recipe.put("init", shared_.body(fold));
    if (s_.folds > 0) {
      Strings train, test;
      for (int64_t f = 0; f < s_.folds; ++f)
        (fold >= 0 && f != fold ? train : test).push_back(std::to_string(f));
      recipe.put("data.split", std::string("k_folds"));
      recipe.put("data.folds", s_.folds);
      recipe.put("data.train_folds", train);
      recipe.put("data.val_folds", Strings());
      recipe.put("data.test_folds", test);
    }
    recipe.set(plan.overrides, source_ + ": ablate");
    return recipe;
  }

  /// Trains the row's detector unless that was done before, and keeps what it finds in the test films.
  void train_row(StudyRow& row, int64_t seed, int64_t fold) {
    const RowPlan& plan = row.plan;
    const std::string where = fold < 0 ? "" : ", fold " + std::to_string(fold);
    const std::string run = run_of(plan, seed, fold);
    row.runs.push_back(run);
    if (fold <= 0) row.detections.emplace_back();
    std::vector<eval::Detection> part;
    if (is_done(run)) {
      part = read_detections(run + "/detections.csv", result_.truth);
    } else {
      Recipe recipe = row_recipe(plan, seed, fold);
      std::vector<std::vector<train::FoundBox>> found;
      train_once(request_, recipe, run,
                 train::detector_title(plan.detector) + " on " + plan.enhancement + ", seed " +
                     std::to_string(seed) + where,
                 train::train_detector, false, &found);
      part = detections_on(found, result_.truth);
    }
    row.detections.back().insert(row.detections.back().end(), part.begin(), part.end());
  }

  /// Boxes of a cross-validation come with the scores of several detectors.
  void rank_folds_apart() {
    if (!s_.ranks_folds()) return;
    std::vector<size_t> fold_of;
    for (size_t i = 0; i < result_.test.size(); ++i) fold_of.push_back(result_.fold_of(i));
    for (StudyRow& row : result_.rows)
      for (std::vector<eval::Detection>& of_seed : row.detections)
        of_seed = ranked_in_folds(of_seed, fold_of);
  }

  /// Every detector must be tested on the same films.
  void load_test_set() {
    for (const auto& [detector, path] : s_.recipes) {
      const Recipe recipe = row_recipe({detector, "none", "none", RowKind::paper}, s_.seeds[0], -1);
      Strings& train = result_.train_folds;
      if (s_.folds <= 0)
        for (const std::string& fold : recipe.words("data.train_folds"))
          if (std::find(train.begin(), train.end(), fold) == train.end()) train.push_back(fold);
      if (!result_.truth.empty()) {
        check_films(recipe, path + ": its [data]");
        continue;
      }
      result_.loader = train::loader_from(recipe, 8, 0);
      result_.alpha = recipe.number("fuse.alpha");
      result_.data = train::load_data(recipe);
      result_.test = test_films(recipe, result_.data);
      CAWE_CHECK(!result_.test.empty(), Code::data, path, ": no test image (data.test_folds)");
      result_.truth = train::truth_of(result_.data.dataset, result_.test);
      CAWE_CHECK(
          eval::count_lesions(result_.truth) > 0, Code::data, path, ": none of the ", result_.test.size(),
          " test images has a lesion, so that there is nothing to compare (data.test_folds, data.test)");
    }
  }

  void evaluate_rows() {
    eval::EvaluateOptions options = s_.options;
    options.unit = result_.data.unit;
    for (StudyRow& row : result_.rows) {
      if (row.plan.kind != RowKind::ablation && result_.chains.count(row.plan.method) == 0)
        result_.chains.emplace(row.plan.method, chains_of(row.plan));
      for (size_t i = 0; i < row.detections.size(); ++i) {
        // A row's seed has one run, or one for each fold, which have no validation films.
        if (s_.folds <= 0) options.threshold = fixed_threshold(row.runs[i], &options.threshold_from);
        row.seeds.push_back(std::make_shared<eval::Evaluation>(
            eval::evaluate(result_.truth, row.detections[i], options, true)));
      }
      for (const auto& seed : row.seeds)
        if (s_.ranks_folds()) seed->notes.push_back(kRankedInFolds);
    }
  }

  /// One chain, or one for each fold where a model of it is trained for each.
  std::vector<train::Chain> chains_of(const RowPlan& plan) const {
    const bool per_fold = (train::needs_classifier(plan.method) && shared_.of("classifier").per_fold) ||
                          (train::needs_colorizer(plan.method) && shared_.of("colorizer").per_fold);
    std::vector<train::Chain> chains;
    for (int64_t fold = per_fold ? 0 : -1; fold < (per_fold ? s_.folds : 0); ++fold) {
      Recipe recipe = row_recipe(plan, plan.seeds[0], fold);
      chains.push_back(train::chain_from(recipe));
    }
    return chains;
  }

  std::string summary() const {
    Json rows = Json::array();
    for (size_t i = 0; i < result_.rows.size(); ++i)
      rows.push_back({{"detector", result_.rows[i].plan.detector},
                      {"enhancement", result_.rows[i].plan.enhancement},
                      {"mean_sens", json_rounded(result_.compared[i].mean.value, 6)}});
    return json_text({{"run", result_.out}, {"report", result_.out + "/report.html"}, {"rows", rows}});
  }

  RunRequest request_;
  RunRequest checks_;   ///< reads everything and trains nothing; what it has read is read once
  std::string source_;  ///< the study's recipe
  /// Of what each row is made from, by its folder's beginning and its fold; seeds share it.
  std::map<std::pair<std::string, int64_t>, train::Hashes> hashes_;
  StudyResult result_;
  const StudySettings& s_;
  SharedModels shared_;
  std::unique_ptr<FolderClaim> claim_;
};

}  // namespace

std::string run_study(const Recipe& recipe, const RunRequest& request) {
  return Study(recipe, request).run();
}

}  // namespace cawe::study
