// SPDX-License-Identifier: Apache-2.0
#include "train/study.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <unordered_map>

#include "data/csv.h"
#include "eval/auroc.h"
#include "eval/results_csv.h"
#include "tensor/io/atomic_file.h"
#include "tensor/io/header_json.h"
#include "train/detector_task.h"

namespace cawe::train {
namespace fs = std::filesystem;
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void say(const RunRequest& request, const std::string& line) {
  if (!request.quiet) std::fprintf(stderr, "%s\n", line.c_str());
}

/// detections.csv of a row, as the metrics read it.
std::vector<eval::Detection> read_row(const std::string& path, const std::vector<eval::TruthImage>& truth) {
  std::unordered_map<std::string, int64_t> image_of;
  for (size_t i = 0; i < truth.size(); ++i) image_of[truth[i].id] = int64_t(i);
  const data::CsvTable table = data::CsvTable::read(path);
  const size_t image = table.column("image"), x = table.column("x"), y = table.column("y"),
               w = table.column("width"), h = table.column("height"), score = table.column("score");
  std::vector<eval::Detection> out;
  for (size_t r = 0; r < table.rows(); ++r) {
    const auto found = image_of.find(table.at(r, image));
    CAWE_CHECK(found != image_of.end(), Code::data, table.where(r), ": image \"", table.at(r, image),
               "\" is not in the test set");
    eval::Detection d;
    d.image = found->second;
    d.box = {table.number(r, x), table.number(r, y), table.number(r, x) + table.number(r, w),
             table.number(r, y) + table.number(r, h)};
    d.score = table.number(r, score);
    out.push_back(d);
  }
  return out;
}

class Study {
 public:
  Study(Recipe& recipe, const RunRequest& request) : recipe_(recipe), request_(request) {
    result_.title = recipe.word("title", "Lesion detection on enhanced chest films");
    result_.demonstration = recipe.flag("demonstration", false);
    result_.out = request.out;
    for (const double s : recipe.reals("seeds", {0})) result_.seed_numbers.push_back(int64_t(s));
    detectors_ = recipe.words("detectors", {"retinanet"});
    rows_ = recipe.words("rows", {"none", "cawe"});
    controls_ = recipe.words("controls", {"shuffled"});
    classifier_ = recipe.word("classifier", "");
    retinanet_ = recipe.needed_word("retinanet", "the recipe of the detector, e.g. retinanet.toml");
    pretrain_ = recipe.word("pretrain", "");
    pretrained_ = recipe.flag("pretrained", true);
    result_.panels = recipe.whole("panels", 6, 0, 200);
    result_.options.draws = recipe.whole("boot.draws", 2000, 1, 1000000);
    result_.options.seed = uint64_t(recipe.whole("boot.seed", 0, 0, INT64_MAX));
    folds_ = recipe.whole("folds", 0, 0, 1000);
    extra_ = recipe.word("extra", "");
    overrides_ = recipe.words("set", {});
    classifier_overrides_ = recipe.words("classifier_set", {});
    recipe.finish();
    check_names();
  }

  std::string run() {
    const double start = seconds_now();
    std::error_code e;
    fs::create_directories(result_.out, e);
    CAWE_CHECK(!e, Code::io, result_.out, ": cannot be made (", e.message(), ")");
    result_.recipe_text = recipe_.resolved();
    const std::string recipe_path = result_.out + "/recipe.toml";
    if (fs::exists(recipe_path)) {
      CAWE_CHECK(request_.resume, Code::usage, result_.out,
                 ": holds a study already. Add --resume to go on with it, or choose another --out.");
      CAWE_CHECK(read_file(recipe_path) == result_.recipe_text, Code::usage, recipe_path,
                 ": differs from the study given now. Choose another --out.");
    }
    write_file(recipe_path, result_.recipe_text);
    write_environment();
    if (!pretrain_.empty()) pretrain_run_ = trained_once(pretrain_, "pretrain", "");
    if (needs_classifier()) classifier_run_ = trained_once(classifier_, "classifier", pretrain_run_);
    train_rows();
    evaluate_rows();
    if (result_.chain.classifier.net) result_.localisation = study_localisation(result_);
    if (!extra_.empty()) study_extra_films(result_, beside(extra_));
    write_tables();
    result_.seconds = seconds_now() - start;
    write_study_report(result_);
    return summary();
  }

 private:
  void check_names() {
    const Strings known = models::enhancer_names();
    for (const std::string& row : rows_) {
      bool found = false;
      for (const std::string& k : known) found |= k == row;
      std::string list;
      for (const std::string& k : known) list += (list.empty() ? "" : ", ") + k;
      CAWE_CHECK(found, Code::usage, recipe_.where("rows"), " holds \"", row, "\" (expected ", list, ")");
    }
    for (const std::string& d : detectors_)
      CAWE_CHECK(d == "retinanet", Code::usage, recipe_.where("detectors"), " holds \"", d,
                 "\" (expected retinanet)");
    for (const std::string& c : controls_)
      CAWE_CHECK(c == "shuffled", Code::usage, recipe_.where("controls"), " holds \"", c,
                 "\" (expected shuffled)");
    CAWE_CHECK(!rows_.empty() && rows_[0] == "none", Code::usage, recipe_.where("rows"),
               " must begin with \"none\": the others are compared with it");
    CAWE_CHECK(!needs_classifier() || !classifier_.empty(), Code::usage, recipe_.source(),
               ": classifier is missing (a recipe or a trained run; rows, controls or pretrained need it)");
  }

  bool needs_classifier() const {
    for (const std::string& row : rows_)
      if (row == "cawe") return true;
    return (pretrained_ && pretrain_.empty()) || !controls_.empty();
  }

  /// Relative to the study's own file, or as it stands.
  std::string beside(const std::string& name) const {
    const std::string near = (fs::path(recipe_.source()).parent_path() / name).string();
    return fs::exists(near) ? near : name;
  }

  void write_environment() {
    Environment e;
    e.command_line = request_.command_line;
    e.threads = request_.threads;
    e.ranks = request_.ranks;
    std::string json = "{";
    for (const auto& [key, value] : environment_facts(e))
      json += (json.size() > 1 ? ",\n " : "\n ") + quoted(key) + ": " + quoted(value);
    write_file(result_.out + "/environment.json", json + "\n}\n");
  }

  static bool done(const std::string& run) { return fs::exists(run + "/done"); }
  static void mark_done(const std::string& run) { write_file(run + "/done", std::string("finished\n")); }

  /// The run that `named` (a recipe or a run) stands for; a recipe is trained in RUN/`stage`, from `init`.
  std::string trained_once(const std::string& named, const std::string& stage, const std::string& init) {
    const std::string path = beside(named), run = result_.out + "/" + stage;
    if (fs::is_directory(path) || fs::path(path).extension() != ".toml") return path;
    if (done(run)) return run;
    say(request_, "study: " + stage);
    Recipe recipe = Recipe::read(path);
    for (const std::string& s : classifier_overrides_) recipe.set(s);
    if (!init.empty()) recipe.put("init", init);
    CAWE_CHECK(recipe.word("task", "classifier") == "classifier", Code::usage, path,
               ": task (expected \"classifier\")");
    RunRequest request = request_;
    request.out = run;
    request.resume = true;
    train_classifier(recipe, request);
    mark_done(run);
    return run;
  }

  /// Fold -1: the split's own train and test.
  Recipe row_recipe(const std::string& enhancement, bool control, int64_t seed, int64_t fold = -1) const {
    const std::string path = beside(retinanet_);
    Recipe recipe = Recipe::read(path);
    for (const std::string& s : overrides_) recipe.set(s);
    recipe.put("seed", seed);
    recipe.put("enhance.method", std::string(control ? "cawe" : enhancement));
    recipe.put("control", std::string(control ? enhancement : "none"));
    if (control || enhancement == "cawe") recipe.put("enhance.classifier", classifier_run_);
    if (pretrained_) recipe.put("init", pretrain_run_.empty() ? classifier_run_ : pretrain_run_);
    if (folds_ == 0) return recipe;
    Strings train, test;
    for (int64_t f = 0; f < folds_; ++f) (fold >= 0 && f != fold ? train : test).push_back(std::to_string(f));
    recipe.put("data.split", std::string("k_folds"));
    recipe.put("data.folds", folds_);
    recipe.put("data.train_folds", train);
    recipe.put("data.val_folds", Strings());
    recipe.put("data.test_folds", test);
    return recipe;
  }

  void train_rows() {
    for (const std::string& detector : detectors_) {
      for (const std::string& row : rows_) result_.rows.push_back({detector, row, false, {}, {}, {}});
      for (const std::string& c : controls_) result_.rows.push_back({detector, c, true, {}, {}, {}});
    }
    for (StudyRow& row : result_.rows)
      for (const int64_t seed : result_.seed_numbers)
        for (int64_t fold = folds_ > 0 ? 0 : -1; fold < std::max<int64_t>(folds_, 0); ++fold)
          train_row(row, seed, fold);
  }

  void train_row(StudyRow& row, int64_t seed, int64_t fold) {
    const std::string part = fold < 0 ? "" : ", fold " + std::to_string(fold);
    const std::string run = result_.out + "/rows/" + row.detector + "-" + row.enhancement + "-" +
                            std::to_string(seed) + (fold < 0 ? "" : "-fold" + std::to_string(fold));
    row.runs.push_back(run);
    if (done(run)) return;
    say(request_,
        "study: " + row.detector + " on " + row.enhancement + ", seed " + std::to_string(seed) + part);
    Recipe recipe = row_recipe(row.enhancement, row.control, seed, fold);
    CAWE_CHECK(recipe.word("task", "retinanet") == "retinanet", Code::usage, retinanet_,
               ": task (expected \"retinanet\")");
    RunRequest request = request_;
    request.out = run;
    request.resume = true;
    fs::create_directories(result_.out + "/rows");
    train_detector(recipe, request);
    mark_done(run);
  }

  void evaluate_rows() {
    Recipe recipe = row_recipe(needs_maps() ? "cawe" : "none", false, result_.seed_numbers[0]);
    result_.loader = loader_from(recipe, 512, 8, 0);
    result_.chain = chain_from(recipe);
    result_.data = load_data(recipe);
    result_.test = box_annotated(result_.data.dataset,
                                 fold_indices(result_.data.split, recipe.words("data.test_folds", {"test"})));
    CAWE_CHECK(!result_.test.empty(), Code::data, retinanet_, ": no test image (data.test_folds)");
    result_.truth = truth_of(result_.data.dataset, result_.test);
    for (StudyRow& row : result_.rows)
      for (size_t s = 0; s < result_.seed_numbers.size(); ++s) {
        const size_t parts = row.runs.size() / result_.seed_numbers.size();
        row.detections.emplace_back();
        for (size_t f = 0; f < parts; ++f) {
          const auto part = read_row(row.runs[s * parts + f] + "/detections.csv", result_.truth);
          row.detections.back().insert(row.detections.back().end(), part.begin(), part.end());
        }
        row.seeds.push_back(std::make_shared<eval::Evaluation>(eval::evaluate(
            result_.truth, row.detections.back(), result_.options, result_.data.dataset.patients_known)));
      }
  }

  bool needs_maps() const {
    for (const std::string& row : rows_)
      if (row == "cawe") return true;
    return !controls_.empty();
  }

  const StudyRow& baseline(const StudyRow& row) const {
    for (const StudyRow& r : result_.rows)
      if (r.detector == row.detector && r.enhancement == "none") return r;
    fail(Code::internal, "study without a baseline row");
  }

  void write_tables() {
    std::vector<eval::ResultRow> table;
    for (const StudyRow& row : result_.rows) {
      const StudyRow& base = baseline(row);
      for (size_t s = 0; s < row.seeds.size(); ++s) {
        eval::ResultRow r = eval::result_row(row.detector, row.enhancement,
                                             std::to_string(result_.seed_numbers[s]), *row.seeds[s]);
        if (&row != &base)
          eval::set_differences(&r, eval::compare({base.seeds[s].get()}, {row.seeds[s].get()}));
        table.push_back(r);
      }
    }
    eval::write_results_csv(result_.out + "/results.csv", table);
    std::string json = "{\"rows\":[";
    for (size_t i = 0; i < result_.rows.size(); ++i) {
      const StudyRow& row = result_.rows[i];
      json += std::string(i ? "," : "") + "\n{\"detector\":" + quoted(row.detector) +
              ",\"enhancement\":" + quoted(row.enhancement) + ",\"evaluations\":[";
      for (size_t s = 0; s < row.seeds.size(); ++s)
        json += (s ? "," : "") + eval::evaluation_json(*row.seeds[s]);
      json += "]}";
    }
    json += "]";
    if (!result_.localisation.empty()) {
      const eval::LocalisationRow& all = result_.localisation[0];
      json +=
          detail::concat(",\"map\":{\"pointing\":", all.pointing.value,
                         ",\"pointing_shuffled\":", all.pointing_shuffled.value,
                         ",\"pointing_centre\":", all.pointing_centre.value, ",\"energy\":", all.energy.value,
                         ",\"energy_shuffled\":", all.energy_shuffled.value,
                         ",\"verdict\":", quoted(eval::describe(all.verdict)), "}");
    }
    write_file(result_.out + "/results.json", json + "}\n");
  }

  std::string summary() const {
    std::string out = "{\"run\":" + quoted(result_.out) +
                      ",\"report\":" + quoted(result_.out + "/report.html") + ",\"rows\":[";
    for (size_t i = 0; i < result_.rows.size(); ++i) {
      const StudyRow& row = result_.rows[i];
      double mean = 0;
      for (const auto& s : row.seeds) mean += s->mean_paper.value / double(row.seeds.size());
      out += detail::concat(i ? "," : "", "{\"detector\":", quoted(row.detector),
                            ",\"enhancement\":", quoted(row.enhancement), ",\"mean_sens\":", mean, "}");
    }
    return out + "]}";
  }

  Recipe& recipe_;
  RunRequest request_;
  StudyResult result_;
  Strings detectors_, rows_, controls_, overrides_, classifier_overrides_;
  std::string pretrain_, classifier_, retinanet_, pretrain_run_, classifier_run_, extra_;
  int64_t folds_ = 0;
  bool pretrained_ = true;
};

}  // namespace

std::string run_study(Recipe& recipe, const RunRequest& request) { return Study(recipe, request).run(); }

}  // namespace cawe::train
