// SPDX-License-Identifier: Apache-2.0
// Splitting images into train, val and test, by patient.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/sample.h"

namespace cawe::data {

enum class SplitUnit {
  patient,  ///< all images of a person are in one fold
  image     ///< only where persons are not known; reports must say "image-level split: optimistic"
};

/// How patients are shared out.
struct SplitOptions {
  uint64_t seed = 2018;
  double test = 0.2;  ///< share of all patients
  double val = 0.1;   ///< share of the patients that are not test
  /// Split patients with and without a box separately, at the same shares. Of those with a box at least one
  /// trains, one tests and one validates (in this order, where the share is above 0), as far as there are
  /// so many.
  bool stratify = true;
  SplitUnit unit = SplitUnit::patient;
};

/// The fold of every sample, by position: "train", "val", "test", or "0", "1", … for k folds.
struct Split {
  std::vector<std::string> fold;
  std::vector<int64_t> indices(const std::string& name) const;
};

/// Patients sorted by id, shuffled with the seed, cut at rounded shares. Throws data where persons are not
/// known and the unit is patient.
Split split_by_patient(const Dataset& dataset, const SplitOptions& options);

/// Images in the order of the SHA-256 (hex) of their file name with extension: the first `train` of them
/// train, the rest test, as published comparisons on the tuberculosis set cxr_tb split it. Throws leak for a
/// person on both sides.
Split split_by_name_hash(const Dataset& dataset, int64_t train);

/// Folds "0" … "k-1" by patient, stratified by whether the patient has a box: the p-th patient after the
/// shuffle goes to fold p mod k. Throws usage for more folds than patients.
Split split_k_folds(const Dataset& dataset, int64_t k, const SplitOptions& options);

/// CSV image,patient,fold, sorted by image, so that its hash depends on the split alone.
std::string split_text(const Dataset& dataset, const Split& split);
/// Reads such a file for `dataset`; names may have image endings. Throws data where an image of the data
/// set is missing in it or has another person than in the data set (whose persons may have `prefix` or their
/// source before their names; a group's name is not compared), leak where a patient is in two folds (and
/// persons are known).
Split read_split(const std::string& path, const Dataset& dataset, const std::string& prefix = "");

/// Throws leak, naming persons, where one is in two folds.
void check_patients_apart(const Dataset& dataset, const Split& split);

}  // namespace cawe::data
