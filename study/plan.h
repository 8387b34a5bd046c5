// SPDX-License-Identifier: Apache-2.0
// What a study's recipe asks for, read and checked before anything is trained.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "eval/evaluate.h"
#include "study/fold_scores.h"
#include "train/recipe.h"

namespace cawe::study {

using train::Recipe;
using train::Strings;

/// `again`: plain films with other seeds (an A/A row): what differs between it and the plain row is chance.
enum class RowKind : uint8_t { paper, control, again, ablation };

/// One row of the table: a detector trained on films with one enhancement.
struct RowPlan {
  std::string detector;  ///< faster_rcnn or retinanet
  std::string
      enhancement;  ///< its name in results.csv: "cawe", "shuffled", "dose=0.5", "aa", "cawe fuse.alpha=0.3"
  std::string method;  ///< enhance.method
  RowKind kind = RowKind::paper;
  std::string control = "none";     ///< the recipe's key: films get other maps than their own
  Strings overrides = {};           ///< "key=value" for the detector's recipe
  std::vector<int64_t> seeds = {};  ///< it is trained once for each
  std::string folder() const;       ///< the beginning of its runs' folder names
  /// The name of a run's folder; fold -1: the split's own training and test sets.
  std::string run(int64_t seed, int64_t fold) const;
};

/// The keys of a study (train/schema/keys_study.cpp), read. Files are named relative to the study's recipe.
struct StudySettings {
  std::string title;
  bool demonstration = false, paper = false, pretrained = true, allow_leak = false;
  std::vector<int64_t> seeds;  ///< of all rows but those that are trained again
  std::vector<RowPlan> rows;   ///< detectors in the paper's order, controls, A/A rows and ablations last
  std::map<std::string, std::string> recipes;  ///< of each detector in the table
  std::string pretrain, classifier, colorizer, colorizer_pretrain, extra;
  Strings detector_set, classifier_set, colorizer_set;
  int64_t folds = 0, panels = 6;
  FoldScores fold_scores = FoldScores::pooled;
  eval::EvaluateOptions options;

  /// Whether boxes are ranked in their folds before they are judged.
  bool ranks_folds() const { return folds > 0 && fold_scores == FoldScores::apart; }
  bool has_classifier() const;  ///< a row needs attention maps, or detectors start from the classifier's body
  bool has_colorizer() const;   ///< a row needs colorized films
};

/// A shared model may be named for each fold: "c-{fold}.toml" in fold 1 is "c-1.toml". Fold -1 is the first.
constexpr const char* kFold = "{fold}";
std::string in_fold(std::string name, int64_t fold);

/// Throws usage where keys do not fit together.
StudySettings study_settings(const Recipe& recipe);

}  // namespace cawe::study
