// SPDX-License-Identifier: Apache-2.0
#include "report/subgroup_table.h"

#include <cmath>

#include "report/page/parts.h"
#include "tensor/error.h"

namespace cawe::report {
namespace {

std::string cell(const eval::Interval& i) {
  return std::isnan(i.value) ? std::string("n/a")
                             : page::fixed_or_dash(i.value, 3) + " (" + page::fixed_or_dash(i.low, 2) +
                                   " to " + page::fixed_or_dash(i.high, 2) + ")";
}

std::string remark(const eval::SubgroupRow& row) {
  return row.lesions == 0 ? "no lesion" : row.few ? "few lesions" : "";
}

}  // namespace

ReportTable subgroup_table(const std::string& subject, const std::vector<eval::SubgroupRow>& rows,
                           data::FilmUnit unit) {
  ReportTable table;
  table.title = "Subgroups";
  table.caption = "Sensitivity of " + subject +
                  " within parts of the test set, false positives counted within the part, with intervals " +
                  data::over_units(unit) + ". No difference between groups was tested.";
  table.header = {
      "Group", "images", data::unit_words(unit), "lesions", "Sens@1", "Sens@2", "Sens@3", "Sens@4",
      "mean",  ""};
  for (const eval::SubgroupRow& row : rows) {
    std::vector<std::string> cells = {row.attribute + ": " + row.group, std::to_string(row.images),
                                      std::to_string(row.patients), std::to_string(row.lesions)};
    for (const eval::Interval& i : row.sens) cells.push_back(cell(i));
    cells.push_back(cell(row.mean));
    cells.push_back(remark(row));
    table.rows.push_back(cells);
  }
  return table;
}

ReportTable lesion_group_table(const std::string& detector, const std::vector<std::string>& subjects,
                               const std::vector<std::vector<eval::SubgroupRow>>& rows, data::FilmUnit unit) {
  CAWE_CHECK(!rows.empty() && rows.size() == subjects.size(), Code::internal, "lesion groups: ", rows.size(),
             " rows for ", subjects.size(), " names");
  ReportTable table;
  table.title = "Lesions by size and finding: " + detector;
  table.caption =
      "Mean of Sens@1, 2, 3, 4 on the lesions of each group, false positives counted on all films, with "
      "intervals " +
      data::over_units(unit) +
      ". Sizes are thirds of the lesions by their mean side as a share of the film's "
      "(square root of box area over film area). Boxes on lesions of other groups are neither right nor "
      "wrong. "
      "No difference between groups was tested. lesions_by.csv has Sens@1, 2, 3 and 4.";
  table.header = {"lesions", "n"};
  table.header.insert(table.header.end(), subjects.begin(), subjects.end());
  table.header.emplace_back("");
  for (size_t g = 0; g < rows[0].size(); ++g) {
    const eval::SubgroupRow& first = rows[0][g];
    std::vector<std::string> cells{first.attribute + ": " + first.group, std::to_string(first.lesions)};
    for (const std::vector<eval::SubgroupRow>& row : rows) {
      CAWE_CHECK(
          row.size() == rows[0].size() && row[g].group == first.group && row[g].lesions == first.lesions,
          Code::internal, "lesion groups: rows of different groups");
      cells.push_back(cell(row[g].mean));
    }
    cells.push_back(remark(first));
    table.rows.push_back(cells);
  }
  return table;
}

}  // namespace cawe::report
