// SPDX-License-Identifier: Apache-2.0
#include "study/study.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "tensor/io/files.h"
#include "tensor/io/json.h"
#include "train/colorizer_task.h"
#include "train/detector_recipe.h"
#include "train/detector_task.h"
#include "train/enhanced_cache.h"
#include "train/run_setup.h"

namespace cawe::study {
namespace fs = std::filesystem;
namespace {

using Trainer = std::string (*)(Recipe&, const RunRequest&);

class Study {
 public:
  Study(const Recipe& recipe, const RunRequest& request)
      : request_(request), source_(recipe.source()), s_(result_.settings) {
    s_ = study_settings(recipe);
    result_.out = request.out;
    result_.recipe_text = recipe.resolved();
    for (const RowPlan& plan : s_.rows) result_.rows.push_back({plan, {}, {}, {}});
  }

  std::string run() {
    check_recipes();
    prepare_folder();
    load_test_set();
    train_shared_models();
    for (StudyRow& row : result_.rows)
      for (const int64_t seed : s_.seeds)
        for (int64_t fold = s_.folds > 0 ? 0 : -1; fold < std::max<int64_t>(s_.folds, 0); ++fold)
          train_row(row, seed, fold);
    evaluate_rows();
    const StudyMaps maps = study_maps(result_);
    result_.localisation = study_localisation(result_, maps);
    study_lesions_by_map(result_, maps);
    if (!s_.extra.empty()) study_extra_films(result_, s_.extra);
    write_study_tables(result_);
    result_.seconds = train::seconds_in(result_.out);
    write_study_report(result_);
    train::remove_enhancement_cache(cache_dir());
    return summary();
  }

 private:
  void say(const std::string& line) const {
    if (!request_.quiet) std::fprintf(stderr, "study: %s\n", line.c_str());
  }
  std::string cache_dir() const { return result_.out + "/enhanced"; }

  void prepare_folder() {
    const std::string recipe_path = result_.out + "/recipe.toml";
    if (fs::exists(recipe_path)) {
      CAWE_CHECK(request_.resume, Code::usage, result_.out,
                 ": holds a study already. Add --resume to go on with it, or choose another --out.");
      CAWE_CHECK(read_file(recipe_path) == result_.recipe_text, Code::usage, recipe_path,
                 ": differs from the study given now. Choose another --out.");
      remove_unfinished(result_.out);
    } else if (fs::exists(result_.out)) {
      // Only what is made here before the recipe may be there: anything else is not ours to replace.
      for (const fs::directory_entry& entry : fs::directory_iterator(result_.out)) {
        const std::string name = entry.path().filename().string();
        CAWE_CHECK(is_unfinished(name) || (name == "rows" && fs::is_empty(entry.path())), Code::usage,
                   result_.out, ": holds other files, such as ", name,
                   " (expected a new or an empty folder)");
      }
    }
    make_folders(result_.out + "/rows");
    write_file(recipe_path, result_.recipe_text);
    result_.environment = train::environment_of(request_);
    write_file(result_.out + "/environment.json", train::environment_json(result_.environment));
  }

  static bool done(const std::string& run) { return fs::exists(run + "/done"); }

  /// Trains into `run` unless that was done before.
  void train_once(Recipe& recipe, const std::string& run, const std::string& what, Trainer trainer,
                  std::vector<std::vector<train::FoundBox>>* found = nullptr) {
    if (done(run)) return;
    say(what);
    RunRequest request = request_;
    request.out = run;
    request.cache_dir = cache_dir();
    request.resume = true;
    request.found = found;
    trainer(recipe, request);
    write_file(run + "/done", std::string("finished\n"));
  }

  /// A model that several rows use, trained once.
  struct Shared {
    std::string named;  ///< what the recipe names: a recipe file, a finished run, or nothing
    std::string stage, task;
    std::string set;  ///< key of the study whose assignments are put over the recipe
    const Strings& overrides;
    Trainer trainer;
    bool is_recipe() const {
      return !named.empty() && !fs::is_directory(named) && fs::path(named).extension() == ".toml";
    }
  };
  using Puts = std::vector<std::pair<std::string, std::string>>;

  Shared pretrain() const {
    return {s_.pretrain,      "pretrain",        "classifier",
            "classifier_set", s_.classifier_set, train::train_classifier};
  }
  Shared classifier() const {
    return {s_.has_classifier() ? s_.classifier : "",
            "classifier",
            "classifier",
            "classifier_set",
            s_.classifier_set,
            train::train_classifier};
  }
  Shared colorizer_pretrain() const {
    return {s_.has_colorizer() ? s_.colorizer_pretrain : "",
            "colorizer_pretrain",
            "classifier",
            "colorizer_set",
            s_.colorizer_set,
            train::train_classifier};
  }
  Shared colorizer() const {
    return {s_.has_colorizer() ? s_.colorizer : "",
            "colorizer",
            "colorizer",
            "colorizer_set",
            s_.colorizer_set,
            train::train_colorizer};
  }

  Recipe recipe_of(const Shared& shared, const Puts& puts) const {
    Recipe recipe = Recipe::read(shared.named, shared.task);
    recipe.set(shared.overrides, source_ + ": " + shared.set);
    for (const auto& [key, value] : puts)
      if (!value.empty()) recipe.put(key, value);
    CAWE_CHECK(recipe.task() == shared.task, Code::usage, recipe.where("task"), " is \"", recipe.task(),
               "\" (expected \"", shared.task, "\")");
    return recipe;
  }

  /// The run folder of a shared model; trains it first where the plan names a recipe.
  std::string shared_run(const Shared& shared, const Puts& puts) {
    if (!shared.is_recipe()) return shared.named;
    Recipe recipe = recipe_of(shared, puts);
    const std::string run = result_.out + "/" + shared.stage;
    train_once(recipe, run, shared.stage, shared.trainer);
    return run;
  }

  void train_shared_models() {
    pretrain_run_ = shared_run(pretrain(), {});
    classifier_run_ = shared_run(classifier(), {{"init", pretrain_run_}});
    const std::string body = shared_run(colorizer_pretrain(), {});
    colorizer_run_ = shared_run(colorizer(), {{"init", body}, {"gan.phi_init", body}});
  }

  std::vector<Shared> shared_models() const {
    std::vector<Shared> all;
    for (const Shared& shared : {pretrain(), classifier(), colorizer_pretrain(), colorizer()})
      if (shared.is_recipe() && !done(result_.out + "/" + shared.stage)) all.push_back(shared);
    return all;
  }

  /// Reads every recipe of the study, which checks it. The rows of a detector share its recipe: a key gets a
  /// warning only where it counts in none of them.
  void read_recipes() const {
    Strings warnings;
    for (const Shared& shared : shared_models())
      for (const train::RecipeWarning& w : recipe_of(shared, {}).warnings()) warnings.push_back(w.line);
    std::map<std::string, std::vector<train::RecipeWarning>> in_all_rows;  // by detector
    for (const RowPlan& plan : s_.rows) {
      const std::vector<train::RecipeWarning> here = row_recipe(plan, s_.seeds[0], -1).warnings();
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
      for (const std::string& line : warnings) std::fprintf(stderr, "cawe: warning: %s\n", line.c_str());
  }

  /// Checks the recipes of all rows now, so that a mistake in the last one is not found after all others were
  /// trained: first the recipes alone, then with their data. The models that enhance are not there yet: rows
  /// are checked without them.
  void check_recipes() const {
    read_recipes();
    RunRequest request = request_;
    request.check_only = true;
    for (const Shared& shared : shared_models()) {
      Recipe recipe = recipe_of(shared, {});
      shared.trainer(recipe, request);
    }
    for (RowPlan plan : s_.rows) {  // the baseline's recipe differs from the others' only in the enhancement
      if (plan.kind != RowKind::ablation && plan.method != "none") continue;
      plan.method = "none";
      Recipe recipe = row_recipe(plan, s_.seeds[0], -1);
      train::train_detector(recipe, request);
    }
  }

  /// Fold -1: the split's own training and test sets.
  Recipe row_recipe(const RowPlan& plan, int64_t seed, int64_t fold) const {
    Recipe recipe = Recipe::read(s_.recipes.at(plan.detector), plan.detector);
    recipe.set(s_.detector_set, source_ + ": set");
    CAWE_CHECK(recipe.task() == plan.detector, Code::usage, recipe.where("task"), " is \"", recipe.task(),
               "\" (expected \"", plan.detector, "\")");
    train::put_froc(s_.options.froc, &recipe);
    recipe.put("seed", seed);
    recipe.put("enhance.method", plan.method);
    recipe.put("control", std::string(plan.shuffled ? "shuffled" : "none"));
    if (train::needs_classifier(plan.method)) recipe.put("enhance.classifier", classifier_run_);
    if (train::needs_colorizer(plan.method)) recipe.put("enhance.colorizer", colorizer_run_);
    if (s_.pretrained) recipe.put("init", pretrain_run_.empty() ? classifier_run_ : pretrain_run_);
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
    const std::string run = result_.out + "/rows/" + plan.folder() + "-" + std::to_string(seed) +
                            (fold < 0 ? "" : "-fold" + std::to_string(fold));
    row.runs.push_back(run);
    if (fold <= 0) row.detections.emplace_back();
    std::vector<eval::Detection> part;
    if (done(run)) {
      part = read_detections(run + "/detections.csv", result_.truth);
    } else {
      Recipe recipe = row_recipe(plan, seed, fold);
      std::vector<std::vector<train::FoundBox>> found;
      train_once(recipe, run,
                 train::detector_title(plan.detector) + " on " + plan.enhancement + ", seed " +
                     std::to_string(seed) + where,
                 train::train_detector, &found);
      part = detections_on(found, result_.truth);
    }
    row.detections.back().insert(row.detections.back().end(), part.begin(), part.end());
  }

  /// Every detector must have been trained and tested on the same films.
  void load_test_set() {
    for (const auto& [detector, path] : s_.recipes) {
      Recipe recipe = row_recipe({detector, "none", "none", RowKind::paper, false, {}}, s_.seeds[0], -1);
      train::SplitData data = train::load_data(recipe);
      CAWE_CHECK(result_.truth.empty() || data.split_hash == result_.data.split_hash, Code::usage, path,
                 ": its [data] gives other films or another split than ", s_.recipes.begin()->second,
                 "'s (expected the same)");
      if (!result_.truth.empty()) continue;
      result_.loader = train::loader_from(recipe, 8, 0);
      result_.alpha = recipe.number("fuse.alpha");
      result_.data = std::move(data);
      result_.test = train::box_annotated(
          result_.data.dataset, train::fold_indices(result_.data.split, recipe.words("data.test_folds")));
      CAWE_CHECK(!result_.test.empty(), Code::data, path, ": no test image (data.test_folds)");
      result_.truth = train::truth_of(result_.data.dataset, result_.test);
    }
  }

  void evaluate_rows() {
    for (StudyRow& row : result_.rows) {
      if (row.plan.kind != RowKind::ablation && result_.chains.count(row.plan.method) == 0) {
        Recipe recipe = row_recipe(row.plan, s_.seeds[0], -1);
        result_.chains.emplace(row.plan.method, train::chain_from(recipe));
      }
      for (const auto& detections : row.detections)
        row.seeds.push_back(std::make_shared<eval::Evaluation>(
            eval::evaluate(result_.truth, detections, s_.options, result_.data.dataset.patients_known)));
    }
  }

  std::string summary() const {
    Json rows = Json::array();
    for (const StudyRow& row : result_.rows) {
      double mean = 0;
      for (const auto& s : row.seeds) mean += s->mean_paper.value / double(row.seeds.size());
      rows.push_back({{"detector", row.plan.detector},
                      {"enhancement", row.plan.enhancement},
                      {"mean_sens", json_rounded(mean, 6)}});
    }
    return json_text({{"run", result_.out}, {"report", result_.out + "/report.html"}, {"rows", rows}});
  }

  RunRequest request_;
  std::string source_;  ///< the study's recipe
  StudyResult result_;
  StudySettings& s_;
  std::string pretrain_run_, classifier_run_, colorizer_run_;
};

}  // namespace

const StudyRow& StudyResult::baseline(const StudyRow& row) const {
  for (const StudyRow& r : rows)
    if (r.plan.detector == row.plan.detector && r.is_baseline()) return r;
  fail(Code::internal, "study without a baseline row");
}

std::shared_ptr<models::CaweEnhancer> StudyResult::map_maker() const {
  const auto found = chains.find("cawe");
  return found == chains.end() ? nullptr
                               : std::dynamic_pointer_cast<models::CaweEnhancer>(found->second.enhancer);
}

std::string run_study(const Recipe& recipe, const RunRequest& request) {
  return Study(recipe, request).run();
}

}  // namespace cawe::study
