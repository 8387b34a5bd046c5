// SPDX-License-Identifier: Apache-2.0
// What decides a run's numbers and is another now than when the run began: data, split, weights, recipe, and the
// libraries and instruction sets that compute.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "train/run_folder.h"

namespace cawe::train {

/// What a folder is gone on with.
struct GoneOn {
  std::vector<std::string> changes;          ///< all that were ever accepted, as sentences
  std::map<std::string, std::string> files;  ///< environment.json and recipe.toml, where they change
};

/// Goes on in a claimed folder in which something was trained: compares, prints what the machine changed, and throws
/// usage for changes of data, split, weights or recipe that are not accepted, naming each ("train.steps: 150 before, 200
/// now"); a file of DIR that is missing or damaged is one. What changed is for environment.json, begun by `after`
/// ("after step 20: "). Writes nothing: what cannot go on with the changes must stay what it was.
GoneOn go_on(const std::string& dir, const std::string& recipe, const Environment& now, const Resume& resume,
             const std::string& after);

/// The keys in which two resolved recipes differ, with both values; not those that only name a file, whose content is
/// compared by its hash, nor those that decide no result (Key::names_file, Key::decides_result). `filled`: what only
/// `before` has was filled in by the data or by a model when the run was made, and is no difference. Throws data where
/// one of them is no recipe.
std::vector<std::string> recipe_differences(const std::string& before, const std::string& now,
                                            bool filled = false);

/// recipe_differences() from DIR/recipe.toml; that it is missing or damaged is one.
std::vector<std::string> differences_from(const std::string& dir, const std::string& now,
                                          bool filled = false);

/// The hashes that DIR/environment.json has otherwise, as sentences; of an empty one nothing is known now.
std::vector<std::string> hash_differences(const std::string& dir, const Hashes& hashes);

/// Whether a change, as such a sentence, lets validations measure something else than before, or at other steps: scores
/// from before and after it do not compare.
bool changes_scores(const std::string& change);

/// What a warning of an allowed leak begins with.
constexpr const char* kLeakAllowed = "a leak was allowed: ";

/// The sentences under `name` ("changes", "warnings") of DIR/environment.json; empty where there are none.
std::vector<std::string> kept_sentences(const std::string& dir, const std::string& name);

}  // namespace cawe::train
