// SPDX-License-Identifier: Apache-2.0
#include "study/shared_models.h"

#include <algorithm>
#include <filesystem>

#include "data/leak.h"
#include "study/resume.h"
#include "tensor/error.h"
#include "train/classifier_task.h"
#include "train/colorizer_task.h"

namespace cawe::study {
namespace fs = std::filesystem;
namespace {

std::string manifest_of(const std::string& stand_in) {
  return stand_in.empty() ? "" : train::parse_checkpoint(stand_in, "the study's stand-in").manifest;
}

/// The recipe's folds become the study's: those but `fold` train, the next one chooses the checkpoint where the
/// recipe has a validation set and enough folds are left.
void put_folds(Recipe* recipe, int64_t folds, int64_t fold, const std::string& split_file) {
  const bool validates =
      folds > 2 && recipe->word("data.split") == "patient" && recipe->number("data.val") > 0;
  const int64_t chooses = validates ? (fold + 1) % folds : -1;
  Strings train{train::kOtherPersons}, val;
  for (int64_t f = 0; f < folds; ++f)
    if (f != fold) (f == chooses ? val : train).push_back(std::to_string(f));
  recipe->put("data.split", std::string("file"));
  recipe->put("data.split_file", split_file);
  recipe->put("data.train_folds", train);
  recipe->put("data.val_folds", val);
  recipe->put("data.test_folds", Strings{std::to_string(fold)});
}

}  // namespace

bool SharedModel::is_recipe() const {
  return !named.empty() && !fs::is_directory(named) && fs::path(named).extension() == ".toml";
}

SharedModels::SharedModels(const StudySettings& s, std::string source, std::string out)
    : s_(s), source_(std::move(source)), out_(std::move(out)) {
  const std::string classifier = s.has_classifier() ? s.classifier : "";
  const std::string colorizer = s.has_colorizer() ? s.colorizer : "";
  const std::string body = s.has_colorizer() ? s.colorizer_pretrain : "";
  models_ = {
      {"pretrain", s.pretrain, "classifier", "classifier_set", s.classifier_set, train::train_classifier},
      {"classifier", classifier, "classifier", "classifier_set", s.classifier_set, train::train_classifier},
      {"colorizer_pretrain", body, "classifier", "colorizer_set", s.colorizer_set, train::train_classifier},
      {"colorizer", colorizer, "colorizer", "colorizer_set", s.colorizer_set, train::train_colorizer}};
  for (SharedModel& model : models_) {
    model.per_fold = model.named.find(kFold) != std::string::npos;
    CAWE_CHECK(!model.per_fold || s.folds > 0, Code::usage, source_, ": ", model.stage, " is \"", model.named,
               "\", but the study has no folds (expected folds above 0, or a name without {fold})");
  }
}

const SharedModel& SharedModels::of(const std::string& stage) const {
  for (const SharedModel& model : models_)
    if (model.stage == stage) return model;
  fail(Code::internal, "study: no shared model ", stage);
}

std::string SharedModels::place(const std::string& stage, int64_t fold) const {
  const SharedModel& model = of(stage);
  const std::string number = std::to_string(std::max<int64_t>(fold, 0));
  if (model.is_recipe()) return out_ + "/" + stage + (model.per_fold ? "-fold" + number : "");
  return in_fold(model.named, fold);
}

std::string SharedModels::body(int64_t fold) const {
  const std::string pretrained = place("pretrain", fold);
  return pretrained.empty() ? place("classifier", fold) : pretrained;
}

std::vector<int64_t> SharedModels::folds_of(const SharedModel& model) const {
  if (!model.per_fold) return {-1};
  std::vector<int64_t> folds;
  for (int64_t f = 0; f < s_.folds; ++f) folds.push_back(f);
  return folds;
}

Recipe SharedModels::recipe(const SharedModel& model, int64_t fold, bool with_inits) const {
  Recipe recipe = Recipe::read(in_fold(model.named, fold), model.task);
  recipe.set(model.overrides, source_ + ": " + model.set_key);
  CAWE_CHECK(recipe.task() == model.task, Code::usage, recipe.where("task"), " is \"", recipe.task(),
             "\" (expected \"", model.task, "\")");
  if (s_.allow_leak) recipe.put("allow_leak", true);
  if (model.per_fold)
    put_folds(&recipe, s_.folds, fold,
              fs::absolute(place(model.stage, fold) + "/split.csv").lexically_normal().string());
  if (!with_inits) return recipe;
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) recipe.put(key, value);
  };
  if (model.stage == "classifier") put("init", place("pretrain", fold));
  if (model.stage == "colorizer") {
    put("init", place("colorizer_pretrain", fold));
    put("gan.phi_init", place("colorizer_pretrain", fold));
  }
  return recipe;
}

train::RunRequest SharedModels::request_for(const SharedModel& model, train::RunRequest request) const {
  if (model.per_fold) request.person_folds = persons_;
  return request;
}

std::string SharedModels::stand_in(const SharedModel& model, int64_t fold, train::RunRequest request) const {
  const std::string run = place(model.stage, fold);
  if (!model.is_recipe() || is_done(run)) return "";
  if (const auto made = stand_ins_.find(run); made != stand_ins_.end()) return made->second;
  std::string bytes;
  Recipe mine = recipe(model, fold, true);
  request = request_for(model, request);
  request.stand_in = &bytes;
  request.out = run;
  model.trainer(mine, request);
  if (!model.per_fold) stand_ins_[run] = bytes;
  return bytes;
}

train::Hashes SharedModels::hashes(const SharedModel& model, int64_t fold, train::RunRequest request) const {
  const train::StandIns before = stand_ins(request, fold);
  train::Hashes hashes;
  request = request_for(model, request);
  request.stand_ins = &before;
  request.resume = false;
  request.hashes = &hashes;
  Recipe mine = recipe(model, fold, true);
  model.trainer(mine, request);
  return hashes;
}

train::StandIns SharedModels::stand_ins(train::RunRequest request, int64_t fold) const {
  train::StandIns all;
  for (const char* role : {"classifier", "colorizer"}) all.places[role] = place(role, fold);
  request.stand_ins = &all;
  for (const SharedModel& model : models_) {
    const std::string bytes = stand_in(model, fold, request);
    if (bytes.empty()) continue;
    all.manifests[place(model.stage, fold)] = manifest_of(bytes);
    if (all.places.count(model.stage) > 0) all.chain[model.stage] = bytes;
  }
  return all;
}

void SharedModels::find_per_fold(const data::Dataset& dataset, const std::vector<int64_t>& tested,
                                 std::shared_ptr<const train::PersonFolds> persons,
                                 train::RunRequest request) {
  persons_ = std::move(persons);
  if (s_.folds == 0) return;
  train::StandIns before;  // whom the models know that others begin with, stand_ins() looks at fold by fold
  request.stand_ins = &before;
  for (SharedModel& model : models_) {
    if (!model.is_recipe()) continue;
    // What starts from a model of each fold knows the persons of the other folds.
    const bool begins_per_fold = (model.stage == "classifier" && of("pretrain").per_fold) ||
                                 (model.stage == "colorizer" && of("colorizer_pretrain").per_fold);
    model.per_fold |= begins_per_fold;
    if (!model.per_fold) {
      // A study that goes on has them already.
      model.per_fold = fs::exists(out_ + "/" + model.stage + "-fold0");
      const std::string manifest = model.per_fold ? "" : manifest_of(stand_in(model, -1, request));
      model.per_fold |=
          !data::check_leaks(dataset, tested, {data::parse_manifest(model.stage, manifest)}, true).empty();
    }
    before.manifests[place(model.stage, -1)] = "";
  }
  stand_ins_.clear();  // these know nothing of the models that they will start from
}

}  // namespace cawe::study
