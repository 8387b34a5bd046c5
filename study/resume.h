// SPDX-License-Identifier: Apache-2.0
// What a study finds in its folder when it goes on: leftovers of killed processes, and runs that are done.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "data/sample.h"
#include "train/recipe.h"
#include "train/run_folder.h"

namespace cawe::study {

/// A training that is done, and what would be asked of it if it were done now.
struct DoneRun {
  std::string folder;
  train::Recipe recipe;
  train::Hashes hashes;         ///< of what it is made from (train/run_setup.h)
  bool is_row = false;          ///< of a detector, whose detections are judged; else a shared model
  std::vector<int64_t> tested;  ///< a row's test films: samples of the study's data set
};

/// RUN/done says that a run of this study is finished, and has the hashes of those of its files that the study reads
/// again. A run whose files are others now is not done: it is tested again.
bool is_done(const std::string& run);
/// `weights`: of a shared model, on which others stand: the hash of them, too.
void set_done(const std::string& run, bool weights);

/// Whether a run in the study's folder has a checkpoint.
bool anything_trained(const std::string& out);

/// Removes what killed processes left half-written in the folders that a study makes, those of finished runs among
/// them.
void remove_leftovers(const std::string& out);

/// In what the recipes and data of runs that are done differ from those of now, as sentences. They are not trained
/// again.
train::Strings differences_of_done(const std::vector<DoneRun>& done);

/// Throws where a row that is done cannot stand beside those that are trained now: usage where it was tested on other
/// films, leak where persons who trained it are tested now and that is not allowed; else returns such leaks as sentences.
train::Strings check_comparable(const std::vector<DoneRun>& done, const data::Dataset& dataset,
                                bool allow_leak);

}  // namespace cawe::study
