// SPDX-License-Identifier: Apache-2.0
#include "report/subgroup_table.h"

#include <cmath>

#include "report/page/parts.h"

namespace cawe::report {

ReportTable subgroup_table(const std::string& subject, const std::vector<eval::SubgroupRow>& rows,
                           data::FilmUnit unit) {
  const auto cell = [](const eval::Interval& i) {
    return std::isnan(i.value) ? std::string("n/a")
                               : page::fixed_or_dash(i.value, 3) + " (" + page::fixed_or_dash(i.low, 2) +
                                     " to " + page::fixed_or_dash(i.high, 2) + ")";
  };
  ReportTable table;
  table.title = "Subgroups";
  table.caption =
      "Sensitivity of " + subject +
      " within parts of the test set, false positives counted within the part, with intervals over " +
      data::unit_words(unit) + ". No difference between groups was tested.";
  table.header = {
      "Group", "images", data::unit_words(unit), "lesions", "Sens@1", "Sens@2", "Sens@3", "Sens@4",
      "mean",  ""};
  for (const eval::SubgroupRow& row : rows) {
    std::vector<std::string> cells = {row.attribute + ": " + row.group, std::to_string(row.images),
                                      std::to_string(row.patients), std::to_string(row.lesions)};
    for (const eval::Interval& i : row.sens) cells.push_back(cell(i));
    cells.push_back(cell(row.mean));
    cells.push_back(row.lesions == 0 ? "no lesion" : row.few ? "few lesions" : "");
    table.rows.push_back(cells);
  }
  return table;
}

}  // namespace cawe::report
