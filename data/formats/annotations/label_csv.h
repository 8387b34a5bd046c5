// SPDX-License-Identifier: Apache-2.0
// Any table of image labels, read by a map of its columns.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/sample.h"

namespace cawe::data {

/// Give label_columns, or finding_column with a map, or neither (no labels).
struct LabelCsvOptions {
  std::string csv, images_dir;
  std::string source;                      ///< empty: the name of the folder that the CSV is in
  std::string image_column = "image";      ///< a file name, relative to images_dir
  std::string extension;                   ///< put behind the cell, e.g. ".png", where it has none
  std::string patient_column = "patient";  ///< empty: persons are not known; the image column: every
                                           ///< image stands for itself
  std::string patient_prefix;              ///< keeps equal numbers of different sources apart, e.g. "nih:"
  /// For subgroups. A table without a column of the usual name says nothing about them; another name has to
  /// be there.
  std::string sex_column = "sex", age_column = "age", view_column = "view";
  /// One label a column: 1, 0, or empty = masked. Anything else rejects the image.
  std::vector<std::string> label_columns;
  /// One column with words, "Pneumonia" or "Mass|Nodule" with finding_separator "|".
  std::string finding_column, finding_separator;
  /// word -> label that it sets to 1, or "" for none. "*" stands for every other word. Labels appear in the
  /// order of the list. A word that is not listed throws data with its line: a map that forgets a word would
  /// turn sick into healthy.
  std::vector<std::pair<std::string, std::string>> findings;
};

/// Throws data where the table cannot be used; an image with two rows throws too.
Dataset read_label_csv(const LabelCsvOptions& options);
/// The same from text; options.csv is only its name in messages.
Dataset parse_label_csv(std::string_view text, const LabelCsvOptions& options);

}  // namespace cawe::data
