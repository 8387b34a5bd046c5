// SPDX-License-Identifier: Apache-2.0
// From a recipe's [data] section to a data set and its folds.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/loader.h"
#include "data/sample.h"
#include "data/split.h"
#include "train/recipe.h"

namespace cawe::train {

/// A data set with its split, and hashes of both.
struct SplitData {
  data::Dataset dataset;
  data::Split split;
  std::string data_hash;   ///< hash_of_data()
  std::string split_hash;  ///< SHA-256 of the split's text
  std::string split_note;  ///< "image-level split: optimistic", or empty
  /// Sentences on what these data cannot train or judge, see data_warnings(); dataset.warnings are apart.
  std::vector<std::string> warnings;
};

/// The fold of each person, for a model that must leave out whom another model is tested on.
using PersonFolds = std::map<std::string, std::string>;
constexpr const char* kOtherPersons = "other";  ///< the fold of persons who are not in it

/// What the keys data.* say (train/schema/keys_data.cpp). data.root may begin with "$CAWE_DATA": that
/// variable, or ../shared/data. Other paths may be absolute or begin so, too; else they are below
/// data.root. Throws usage for keys that do not fit the data (a fold that the split does not have), data
/// where they cannot be used.
/// `folds`, where given, take the place of the recipe's split.
SplitData load_data(const Recipe& recipe, bool quiet = true, const PersonFolds* folds = nullptr);

/// SHA-256 of all that a data set says of its images and that a result may depend on: ids, persons, bytes, labels, boxes,
/// whether boxes were looked for, what tables by subgroup are made from. Files enter by the SHA-256 of their bytes, or by
/// their size where they were not read (data.check_images).
std::string hash_of_data(const data::Dataset& dataset);

/// The keys that name folds, and what their images are for.
struct FoldKey {
  const char *key, *purpose;
};
constexpr FoldKey kFoldKeys[] = {
    {"data.train_folds", "training"}, {"data.val_folds", "validation"}, {"data.test_folds", "test"}};

/// What will be missed later: labels that are unknown everywhere, folds of the recipe without a lesion
/// (detectors), or without a positive or a negative of a label (classifier). A sentence each; none where
/// all is well.
std::vector<std::string> data_warnings(const Recipe& recipe, const data::Dataset& dataset,
                                       const data::Split& split);

/// "$CAWE_DATA/x" -> "../shared/data/x"
std::string expand_root(const std::string& path);

/// What the keys image.*, augment.*, train.augment and data.workers say.
data::LoaderOptions loader_from(const Recipe& recipe, int64_t batch, uint64_t seed);

/// Folds named in the list, together, sorted.
std::vector<int64_t> fold_indices(const data::Split& split, const Strings& folds);

}  // namespace cawe::train
