// SPDX-License-Identifier: Apache-2.0
// Any table of image labels; its columns are named by options.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/sample.h"

namespace cawe::data {

/// Give label_columns, or finding_column with `findings`, or neither (no labels).
struct LabelCsvOptions {
  std::string csv, images_dir;
  /// Where the table's paths must stay, see data/image_files.h.
  std::string root;
  bool allow_outside = false;
  std::string source;                  ///< empty: the name of the folder with the CSV
  std::string image_column = "image";  ///< a file name or path, relative to images_dir (or root)
  std::string extension;               ///< appended to names without image ending, e.g. ".png"
  /// Empty: persons are not known. The image column: every image is its own patient.
  std::string patient_column = "patient";
  /// Keeps equal numbers of different sources apart, e.g. "nih:".
  std::string patient_prefix;
  /// For subgroups. A table need not have columns of these usual names; a column with another name must
  /// exist.
  std::string sex_column = "sex", age_column = "age", view_column = "view";
  /// One column for each label, cells as parse_answer() has them: 1, 0, yes, no, …, or empty = masked, as is
  /// -1, CheXpert's "uncertain" (a warning counts those and names the columns in which nothing is 0). A column of
  /// 1 and -1 alone throws data: its -1 may mean "no". Anything else rejects the image. {"*"}: every column
  /// whose filled cells are all such, and not all -1, and whose name says nothing else (image, person, sex,
  /// age, view, width, path, study, fold, a row number); a warning names them and the columns left out; throws
  /// data for a column in which nine of ten are.
  std::vector<std::string> label_columns;
  /// One column with words, "Pneumonia" or "Mass|Nodule" with finding_separator "|".
  std::string finding_column, finding_separator;
  /// word -> label that it sets to 1, or "" for none. "*" stands for every other word. Labels are in the
  /// order of this list. A word that is not listed throws data with its line: ignoring it could turn sick
  /// into healthy. A cell that names nothing (empty, NA, NaN, null, none) masks all labels of its image, also
  /// under "*", unless that very word is listed ("" for an empty cell); a warning counts those.
  std::vector<std::pair<std::string, std::string>> findings;
};

/// Throws data where the table cannot be used; an image with two rows throws too. Ids are those of
/// image_ids().
Dataset read_label_csv(const LabelCsvOptions& options);
/// The same from text; options.csv is only its name in messages.
Dataset parse_label_csv(std::string_view text, const LabelCsvOptions& options);

}  // namespace cawe::data
