// SPDX-License-Identifier: Apache-2.0
// In what the rows of a study must be alike: they are judged on one test set, and the report shows one picture of a film
// for each enhancement.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/datasets.h"

namespace cawe::study {

/// The data of a row, and which of its samples test.
struct RowData {
  const train::SplitData& data;
  const std::vector<int64_t>& test;
};

/// Throws usage where `row`, which is `whose` ("retinanet.toml: its [data]"), would be judged on other films, boxes or
/// folds than `first`, by whose truth all rows are judged.
void check_same_films(const RowData& first, const RowData& row, const std::string& whose);

/// Throws usage where two detectors' recipes of the same enhancement make other pictures of a film.
void check_same_pictures(const train::Recipe& first, const train::Recipe& row);

}  // namespace cawe::study
