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
  data::Split split;  ///< empty where there are no folds
  /// Of each film the person that its table names, also where it is in a group; "" where the table names no persons: every
  /// film stands for itself there. A film that is called like its person is that person's all the same.
  std::vector<std::string> persons;
  std::vector<std::string> read;  ///< files of a recipe beside the films: tables, boxes, groups, folds
  std::map<std::string, int64_t> left_out;  ///< files of folders that are no films, by kind (left_out_text())
};

/// Of each path: a folder that holds metadata.csv, or a .csv file, is a table (columns image and perhaps patient; images lie in
/// `images` beside it, or beside itself); any other folder or file is films (apps/input_files.h), whose persons are not known.
/// Ids are those of the data set, with its folder's name in front ("cxr_tb/tb0619") where two paths would give one id twice.
/// Sample::source is the folder's name: a film's or a table's, or that which was given; equal persons of two sources are two.
/// Throws usage for a path without a film, two folders of one name, two films of one; data for bad tables, and where tables
/// and folders that can be read leave no film.
FilmTable films_of_paths(const std::vector<std::string>& paths);

/// The folds that a file gives these films. What it calls their persons is not compared: a run with groups writes those, one
/// with data.patient_prefix another name. Throws as data::read_split() does, leak where a person is in two folds.
data::Split split_of(const std::string& file, const data::Dataset& films);

/// The data of a recipe that trains, and its split.
FilmTable films_of_recipe(const std::string& recipe, const std::vector<std::string>& set, bool quiet);

}  // namespace cawe::apps
