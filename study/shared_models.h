// SPDX-License-Identifier: Apache-2.0
// The models that several rows of a study use: a body to start from, a classifier, a colorizer with its body.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "study/plan.h"
#include "train/run_setup.h"

namespace cawe::study {

using Trainer = std::string (*)(Recipe&, const train::RunRequest&);

/// One of them. The plan names a recipe, by which it is trained in the study's folder, or a run that is there.
struct SharedModel {
  std::string stage;  ///< "pretrain", "classifier", "colorizer_pretrain" or "colorizer": its folder's name
  std::string
      named;  ///< a recipe, a run or a checkpoint; "{fold}" in it is the fold's number; "" where not needed
  std::string task;
  std::string set_key;  ///< the study's key with assignments for its recipe
  Strings overrides;    ///< these
  Trainer trainer = nullptr;
  /// One for each fold, trained without that fold's persons: a study with folds tests every person once, and no
  /// model of the chain may know those that it is tested on.
  bool per_fold = false;

  bool is_recipe() const;
};

class SharedModels {
 public:
  SharedModels(const StudySettings& settings, std::string source, std::string out);

  const std::vector<SharedModel>& all() const { return models_; }
  const SharedModel& of(const std::string& stage) const;
  /// Finds out which models would know persons of `dataset`, each of whom is tested in a fold: these are trained for
  /// each fold. `persons` tells the fold of each.
  void find_per_fold(const data::Dataset& dataset, const std::vector<int64_t>& tested,
                     std::shared_ptr<const train::PersonFolds> persons, train::RunRequest request);

  /// Where a model is or will be; "" where none is needed. fold -1 of one per fold is the first fold's.
  std::string place(const std::string& stage, int64_t fold) const;
  /// The run that detectors start from.
  std::string body(int64_t fold) const;
  /// The recipe of a model that is trained here. `with_inits`: starting from the models before it.
  Recipe recipe(const SharedModel& model, int64_t fold, bool with_inits) const;
  /// `request` for training the model of a fold.
  train::RunRequest request_for(const SharedModel& model, train::RunRequest request) const;
  /// The hashes of what a model is made from (train/run_setup.h); `request` trains nothing.
  train::Hashes hashes(const SharedModel& model, int64_t fold, train::RunRequest request) const;
  /// The folds for which a model is trained: {-1}, or all.
  std::vector<int64_t> folds_of(const SharedModel& model) const;

  /// In place of those that are not trained yet, random weights with the manifest that they will have.
  train::StandIns stand_ins(train::RunRequest request, int64_t fold) const;

 private:
  std::string stand_in(const SharedModel& model, int64_t fold, train::RunRequest request) const;
  const StudySettings& s_;
  std::string source_, out_;
  std::vector<SharedModel> models_;
  mutable std::map<std::string, std::string> stand_ins_;  ///< of models for all folds, by place
  std::shared_ptr<const train::PersonFolds> persons_;
};

}  // namespace cawe::study
