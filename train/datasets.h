// SPDX-License-Identifier: Apache-2.0
// From a recipe's [data] section to a data set and its folds.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/loader.h"
#include "data/sample.h"
#include "data/split.h"
#include "data/units.h"
#include "train/recipe.h"

namespace cawe::train {

/// SHA-256 of all that a data set says of its images and that a result may depend on, and of its parts: "data_films" (ids,
/// sizes, bytes of files, or their number where they were not read: data.check_images), "data_persons" (with what tables
/// by subgroup are made from), "data_labels", "data_boxes" (and whether they were looked for).
struct DataHashes {
  std::string all;
  std::vector<std::pair<std::string, std::string>> parts;
};
DataHashes hashes_of_data(const data::Dataset& dataset);

/// A data set with its split, and hashes of both.
struct SplitData {
  data::Dataset dataset;
  data::Split split;
  DataHashes hashes;          ///< of the data set
  std::string split_hash;     ///< SHA-256 of the split's text
  bool persons_known = true;  ///< false: nothing says whose the films are, or every film is its own person
  data::FilmUnit unit = data::FilmUnit::patient;  ///< what films are dealt and drawn by
  std::string split_note;  ///< "image-level split: optimistic" or by what else than persons, or empty
  /// Sentences on what these data cannot train or judge, see data_warnings(); dataset.warnings are apart.
  std::vector<std::string> warnings;
};

/// The fold of each person (data::persons_of()), for a model that must leave out whom another is tested on.
using PersonFolds = std::map<std::string, std::string>;
constexpr const char* kOtherPersons = "other";  ///< the fold of persons who are not in it

/// What the keys data.* say (train/schema/keys_data.cpp). data.root may begin with "$CAWE_DATA": that
/// variable, or ../shared/data. Other paths may be absolute or begin so, too; else they are below
/// data.root. Throws usage for keys that do not fit the data (a fold that the split does not have), data
/// where they cannot be used.
/// `folds`, where given, take the place of the recipe's split.
SplitData load_data(const Recipe& recipe, bool quiet = true, const PersonFolds* folds = nullptr);

/// Where the table of data.groups lies beside the recipe, puts its absolute path into the recipe: the name
/// means another table, or none, once the recipe is written elsewhere.
void place_groups(Recipe* recipe);

/// The keys that name folds, and what their images are for.
struct FoldKey {
  const char *key, *purpose;
};
constexpr FoldKey kFoldKeys[] = {
    {"data.train_folds", "training"}, {"data.val_folds", "validation"}, {"data.test_folds", "test"}};

/// Throws usage where one fold stands twice among the keys that name folds: results would be of films that trained the
/// model or chose its checkpoint. Where the recipe allows leaks, the sentences that environment.json keeps instead.
Strings check_folds_apart(const Recipe& recipe);

/// What will be missed later: labels that are unknown everywhere, folds of the recipe without a lesion
/// (detectors), or without a positive or a negative of a label (classifier), boxes of several categories (detectors),
/// folds of the recipe's split file that no key reads (only where the split is the recipe's own). A sentence each; none
/// where all is well.
std::vector<std::string> data_warnings(const Recipe& recipe, const data::Dataset& dataset,
                                       const data::Split& split, bool drawn_by_recipe = true);
/// The same of test and validation films that the recipe of a training asks for, and that are none.
Strings empty_folds(const Recipe& recipe, const data::Split& split);

/// "$CAWE_DATA/x" -> "../shared/data/x"
std::string expand_root(const std::string& path);

/// What the keys image.*, augment.*, train.augment and data.workers say.
data::LoaderOptions loader_from(const Recipe& recipe, int64_t batch, uint64_t seed);

/// Folds named in the list, together, sorted.
std::vector<int64_t> fold_indices(const data::Split& split, const Strings& folds);

}  // namespace cawe::train
