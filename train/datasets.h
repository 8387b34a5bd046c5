// SPDX-License-Identifier: Apache-2.0
// From a recipe's [data] section to a data set and its folds.
#pragma once

#include <string>

#include "data/loader.h"
#include "data/sample.h"
#include "data/split.h"
#include "train/recipe.h"

namespace cawe::train {

/// A data set with its split, and hashes of both.
struct SplitData {
  data::Dataset dataset;
  data::Split split;
  std::string data_hash;   ///< SHA-256 of every image's id, person, size in bytes, labels and boxes
  std::string split_hash;  ///< SHA-256 of the split's text
  std::string split_note;  ///< "image-level split: optimistic", or empty
};

/// Keys under `section` ("data" or another):
///   root, images, format = "table" | "rsna" | "coco" | "chexpert" | "voc" | "folder"; check_images
///   table: labels_csv, image_column, patient_column, patient_prefix, extension, label_columns |
///          finding_column + findings ["word = label", "other = "], boxes (RSNA form), box_class
///   rsna:  labels_csv, classes_csv, mapping, extension, rsna_labels = "detailed" | "target"
///   coco:  boxes
///   chexpert: labels_csv, strip_prefix, uncertain = "ones" | "zeros" | "ignore", blank = "zero" | "ignore",
///             views = "frontal" | "lateral" | "all", test_csv (another table: the test fold)
///   voc:   annotations, class_names, one_based
///   folder: class_folders (the first folder below the images is the label)
///   split = "patient" | "name_hash" | "file" | "k_folds" | "all", split_seed, stratify, test, val,
///           train_count, split_file, folds, split_unit = "patient" | "image"
/// root may begin with "$CAWE_DATA": that variable, or ../shared/data.
SplitData load_data(Recipe& recipe, const std::string& section = "data");

/// "$CAWE_DATA/x" -> "../shared/data/x"
std::string expand_root(const std::string& path);

/// Keys image.size (or image.width and image.height), image.fit, image.color; train.augment, augment.flip,
/// augment.zoom, augment.shift, augment.gain; train.batch and seed are taken as given.
data::LoaderOptions loader_from(Recipe& recipe, int64_t size, int64_t batch, uint64_t seed);

/// Folds named in the list, together, sorted.
std::vector<int64_t> fold_indices(const data::Split& split, const Strings& folds);

}  // namespace cawe::train
