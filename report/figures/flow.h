// SPDX-License-Identifier: Apache-2.0
// The flow of films from what was found to the folds of a study, as a drawing.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "data/units.h"
#include "report/figures/figure.h"

namespace cawe::report {

/// Films at each stage.
struct FilmFlow {
  int64_t found = 0;                                      ///< files that the data set is made from
  std::vector<std::pair<std::string, int64_t>> rejected;  ///< by the field for which they were rejected
  int64_t not_annotated = 0;                              ///< nobody looked for boxes
  struct Fold {
    std::string name;  ///< "train", "0"
    int64_t films = 0, with_lesion = 0, lesions = 0;
    int64_t units = 0;  ///< patients, images or groups of films
  };
  std::vector<Fold> folds;
  data::FilmUnit unit = data::FilmUnit::patient;
};

/// Named "flow". CSV: stage,name,films,with_lesion,lesions,units with stages found, rejected, not annotated and fold. Throws
/// Error(internal) where the films do not add up.
Figure figure_flow(const FilmFlow& flow);

}  // namespace cawe::report
