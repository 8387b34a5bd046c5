// SPDX-License-Identifier: Apache-2.0
// Recipes and tables of data sets whose pictures are not opened.
#pragma once

#include <functional>
#include <string>

#include "tests/data/text_file.h"
#include "train/recipe.h"

namespace cawe::train::testing {

using cawe::testing::TempDir;

/// A recipe for `dir`; pictures are not opened, so files of one byte will do.
inline Recipe recipe_for(const TempDir& dir, const std::string& task, const Strings& more = {}) {
  Strings sets{"data.root=\"" + dir.path("set") + "\"", "data.check_images=false"};
  sets.insert(sets.end(), more.begin(), more.end());
  return Recipe::parse("task = \"" + task + "\"", "r.toml", task, sets);
}

/// n films, "label" as `label` says, a box where it says 1.
inline void make_table(const TempDir& dir, int n, const std::function<std::string(int)>& label) {
  std::string table = "image,patient,label,other\n", boxes = "patientId,x,y,width,height,Target\n";
  for (int i = 0; i < n; ++i) {
    const std::string id = "f" + std::to_string(i);
    table += id + ".png,p" + std::to_string(i) + "," + label(i) + ",\n";
    boxes += id + (label(i) == "1" ? ",1,1,5,5,1\n" : ",,,,,0\n");
  }
  dir.file("set/metadata.csv", table);
  dir.file("set/boxes.csv", boxes);
}

inline const Strings kFolds{"data.split=file", "data.split_file=split.csv"};

inline Strings with(Strings a, const Strings& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace cawe::train::testing
