// SPDX-License-Identifier: Apache-2.0
// Films for commands that look at whole data sets: folders, tables of images, or what a recipe's data are.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/sample.h"
#include "data/split.h"

namespace cawe::apps {

/// Films with their folds, where those are known.
struct FilmTable {
  data::Dataset dataset;
  data::Split split;                        ///< empty where there are no folds
  std::map<std::string, int64_t> left_out;  ///< files of folders that are no films, by kind
};

/// Of each path: a folder that holds metadata.csv, or a .csv file, is a table (columns image and perhaps patient; images lie in
/// `images` beside it, or beside itself); any other folder or file is films (apps/input_files.h), whose persons are not known.
/// Ids are those of the data set, with its folder's name in front ("cxr_tb/tb0619") where two paths would give one id twice.
/// Sample::source is the folder's name. Throws usage where there is no film at all, data for bad tables.
FilmTable films_of_paths(const std::vector<std::string>& paths);

/// The data of a recipe that trains, and its split.
FilmTable films_of_recipe(const std::string& recipe, const std::vector<std::string>& set, bool quiet);

}  // namespace cawe::apps
