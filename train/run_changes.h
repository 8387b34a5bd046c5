// SPDX-License-Identifier: Apache-2.0
// What decides a run's numbers and is another now than when the run began: data, split, weights, recipe, and the
// libraries and instruction sets that compute.
#pragma once

#include <string>
#include <vector>

#include "train/run_folder.h"

namespace cawe::train {

/// Differences as sentences: "train.steps: 150 before, 200 now".
struct Changes {
  std::vector<std::string> decisive;  ///< recipe, data, split, weights
  std::vector<std::string> machine;   ///< program, libraries, instruction set, device: the bits may differ
};

/// Compares DIR/recipe.toml and DIR/environment.json with what holds now. A file that is missing or damaged counts
/// as a decisive difference.
Changes changes_since(const std::string& dir, const std::string& recipe, const Environment& now);

/// Goes on in a claimed folder in which something was trained: compares, prints what the machine changed, and throws
/// usage for decisive changes that are not accepted, naming each. What changed is kept in environment.json, begun by
/// `after` ("after step 20: "). Returns the decisive changes that were accepted.
std::vector<std::string> go_on(const std::string& dir, const std::string& recipe, const Environment& now,
                               const Resume& resume, const std::string& after);

/// The keys in which two resolved recipes differ, with both values; not those that only name a file, whose content is
/// compared by its hash. `filled`: what only `before` has was filled in by
/// the data or by a model when the run was made, and is no difference.
std::vector<std::string> recipe_differences(const std::string& before, const std::string& now,
                                            bool filled = false);

/// The sentences under `name` ("changes", "warnings") of DIR/environment.json; empty where there are none.
std::vector<std::string> kept_sentences(const std::string& dir, const std::string& name);

/// Up to ten of the sentences joined by "; ".
std::string listed(const std::vector<std::string>& sentences);

}  // namespace cawe::train
