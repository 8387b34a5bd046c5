// SPDX-License-Identifier: Apache-2.0
#include "study/study.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tensor/io/files.h"
#include "tensor/io/json.h"
#include "train/colorizer_task.h"
#include "train/detector_recipe.h"
#include "train/detector_task.h"
#include "train/enhanced_cache.h"
#include "train/run_changes.h"
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
    name_shared_runs();
    check_recipes();
    load_test_set();
    open_folder();
    train_shared_models();
    for (StudyRow& row : result_.rows)
      for_each_run([&](int64_t seed, int64_t fold) { train_row(row, seed, fold); });
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

  /// Makes the study's folder its own, or goes on in it with what it began with.
  void open_folder() {
    result_.environment = train::environment_of(request_, result_.data);
    for (const Shared& shared : {pretrain(), classifier(), colorizer_pretrain(), colorizer()})
      if (!shared.named.empty() && !shared.is_recipe())
        result_.environment.hashes.emplace_back(shared.stage, train::weights_hash(shared.named));
    const std::string out = result_.out, recipe_path = out + "/recipe.toml";
    claim_ = std::make_unique<FolderClaim>(out, "study", [&out] { return train::is_older_folder(out); });
    CAWE_CHECK(request_.resume || !fs::exists(recipe_path), Code::usage, out,
               ": holds a study already. Add --resume to go on with it, or choose another --out.");
    make_folders(out + "/rows");
    if (anything_trained()) {
      check_finished();
      train::Resume resume;
      resume.on = true;
      resume.accept_changes = request_.accept_changes;
      resume.quiet = request_.quiet;
      train::go_on(out, result_.recipe_text, result_.environment, resume, "");
    } else {
      write_file(out + "/environment.json", train::environment_json(result_.environment));
      write_file(recipe_path, result_.recipe_text);
    }
    result_.environment.changes = train::kept_sentences(out, "changes");
  }

  bool anything_trained() const {
    for (const std::string& folder : {result_.out, result_.out + "/rows"})
      for (const fs::directory_entry& entry : fs::directory_iterator(folder))
        if (entry.is_directory() && !train::checkpoint_steps(entry.path().string()).empty()) return true;
    return false;
  }

  /// Runs that are done are not trained again: their recipes must be those of now.
  void check_finished() const {
    Strings differences;
    const auto compare = [&](const std::string& run, const Recipe& recipe) {
      if (!done(run)) return;
      for (const std::string& d :
           train::recipe_differences(read_file(run + "/recipe.toml"), recipe.resolved(), true))
        differences.push_back(fs::path(run).filename().string() + ": " + d);
    };
    for (const Shared& shared : {pretrain(), classifier(), colorizer_pretrain(), colorizer()})
      if (shared.is_recipe()) compare(result_.out + "/" + shared.stage, recipe_of(shared, puts_of(shared)));
    for (const StudyRow& row : result_.rows)
      for_each_run([&](int64_t seed, int64_t fold) {
        compare(run_of(row.plan, seed, fold), row_recipe(row.plan, seed, fold));
      });
    CAWE_CHECK(
        differences.empty() || request_.accept_changes, Code::usage, result_.out,
        ": runs that are done had other recipes: ", train::listed(differences),
        ". Give them what they had, choose another --out, or keep them as they are (--accept-changes).");
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
    if (s_.allow_leak) recipe.put("allow_leak", true);
    for (const auto& [key, value] : puts)
      if (!value.empty()) recipe.put(key, value);
    CAWE_CHECK(recipe.task() == shared.task, Code::usage, recipe.where("task"), " is \"", recipe.task(),
               "\" (expected \"", shared.task, "\")");
    return recipe;
  }

  /// Where a shared model is or will be: a run that the plan names, or one of this study's; "" where none is needed.
  std::string place_of(const Shared& shared) const {
    return shared.is_recipe() ? result_.out + "/" + shared.stage : shared.named;
  }
  void name_shared_runs() {
    pretrain_run_ = place_of(pretrain());
    classifier_run_ = place_of(classifier());
    colorizer_body_ = place_of(colorizer_pretrain());
    colorizer_run_ = place_of(colorizer());
  }
  /// What a shared model's recipe gets from the models before it.
  Puts puts_of(const Shared& shared) const {
    if (shared.stage == "classifier") return {{"init", pretrain_run_}};
    if (shared.stage == "colorizer") return {{"init", colorizer_body_}, {"gan.phi_init", colorizer_body_}};
    return {};
  }

  void train_shared_models() {
    for (const Shared& shared : {pretrain(), classifier(), colorizer_pretrain(), colorizer()}) {
      if (!shared.is_recipe()) continue;
      Recipe recipe = recipe_of(shared, puts_of(shared));
      train_once(recipe, place_of(shared), shared.stage, shared.trainer);
    }
  }

  /// Calls fn(seed, fold) for every training of a row; fold -1: the split's own training and test sets.
  template <class Fn>
  void for_each_run(const Fn& fn) const {
    for (const int64_t seed : s_.seeds)
      for (int64_t fold = s_.folds > 0 ? 0 : -1; fold < std::max<int64_t>(s_.folds, 0); ++fold)
        fn(seed, fold);
  }
  std::string run_of(const RowPlan& plan, int64_t seed, int64_t fold) const {
    return result_.out + "/rows/" + plan.folder() + "-" + std::to_string(seed) +
           (fold < 0 ? "" : "-fold" + std::to_string(fold));
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

  /// Checks all rows now, so that a mistake in the last one is not found after all others were trained: first the
  /// recipes alone, then every row with its data and its chain, in which random weights stand in for models that are
  /// not trained yet.
  void check_recipes() {
    read_recipes();
    RunRequest request = request_;
    request.check_only = true;
    request.data_cache = std::make_shared<train::DataCache>();
    const train::StandIns stand_ins = stand_ins_of(request);
    request.stand_ins = &stand_ins;
    std::set<std::string> checked;  // seeds differ in nothing that is checked here
    for (const StudyRow& row : result_.rows)
      for_each_run([&](int64_t, int64_t fold) {
        if (!checked.insert(row.plan.folder() + std::to_string(fold)).second) return;
        Recipe recipe = row_recipe(row.plan, s_.seeds[0], fold);
        train::train_detector(recipe, request);
      });
  }

  train::StandIns stand_ins_of(RunRequest request) const {
    train::StandIns all;
    const auto stand_in = [&](const Shared& shared) {
      std::string bytes;
      if (!shared.is_recipe() || done(place_of(shared))) return bytes;
      Recipe recipe = recipe_of(shared, {});
      request.stand_in = &bytes;
      request.stand_ins = &all;
      shared.trainer(recipe, request);
      return bytes;
    };
    const auto manifest = [](const std::string& bytes) {
      return bytes.empty() ? "" : train::parse_checkpoint(bytes, "the study's stand-in").manifest;
    };
    const std::string body = stand_in(pretrain());
    all.init_manifest = manifest(body);
    if (const std::string bytes = stand_in(classifier()); !bytes.empty()) all.chain["classifier"] = bytes;
    if (s_.pretrained && body.empty() && all.chain.count("classifier") > 0)
      all.init_manifest = manifest(all.chain["classifier"]);
    if (!s_.pretrained) all.init_manifest.clear();
    stand_in(colorizer_pretrain());
    if (const std::string bytes = stand_in(colorizer()); !bytes.empty()) all.chain["colorizer"] = bytes;
    return all;
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
    const std::string run = run_of(plan, seed, fold);
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
      CAWE_CHECK(
          eval::count_lesions(result_.truth) > 0, Code::data, path, ": none of the ", result_.test.size(),
          " test images has a lesion, so that there is nothing to compare (data.test_folds, data.test)");
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
  std::string pretrain_run_, classifier_run_, colorizer_body_, colorizer_run_;  ///< place_of() each
  std::unique_ptr<FolderClaim> claim_;
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
