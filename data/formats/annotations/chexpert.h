// SPDX-License-Identifier: Apache-2.0
// CheXpert (Irvin et al. 2019, arXiv 1901.07031): image labels with "uncertain" and "not mentioned".
#pragma once

#include <string>
#include <vector>

#include "data/sample.h"

namespace cawe::data {

/// The 14 labels in the order of the CSV.
const std::vector<std::string>& chexpert_labels();

/// Which CSV to read, and what its uncertain and empty cells mean.
struct ChexpertOptions {
  enum class Uncertain { zeros, ones, ignore };  ///< what -1 becomes: U-Zeros, U-Ones, U-Ignore (masked)
  enum class Blank { zero, ignore };             ///< what an empty cell becomes
  enum class Views { frontal, lateral, all };

  std::string csv;                                    ///< train.csv or valid.csv
  std::string root;                                   ///< folder that the paths are relative to, and stay in
  bool allow_outside = false;                         ///< unless this is set
  std::string strip_prefix = "CheXpert-v1.0-small/";  ///< removed from the beginning of paths
  Uncertain uncertain = Uncertain::ones;
  Blank blank = Blank::zero;
  Views views = Views::frontal;
};

/// image_id is "patient00001_study1_view1_frontal", patient_id "patient00001", both from the path. Columns
/// are found by name. `view` is the cell AP/PA, or LATERAL. Throws data with the line for a value that is
/// none of 1, 0, -1 and empty.
Dataset read_chexpert(const ChexpertOptions& options);

}  // namespace cawe::data
