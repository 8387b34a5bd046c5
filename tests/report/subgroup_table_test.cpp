// SPDX-License-Identifier: Apache-2.0
#include "report/subgroup_table.h"

#include <gtest/gtest.h>

#include "tensor/error.h"

namespace cawe::report {
namespace {

TEST(SubgroupTable, MarksSmallGroups) {
  const BoxD lesion = {0, 0, 10, 10};
  const std::vector<eval::TruthImage> truth = {{"a", "p", {{lesion, 0, false, 100}}, 100, 100},
                                               {"b", "q", {}, 100, 100}};
  const std::vector<eval::Detection> detections = {{0, lesion, .9, 0}};
  eval::EvaluateOptions options;
  options.draws = 20;
  const ReportTable table =
      subgroup_table("RetinaNet", eval::subgroups("view", truth, {"AP", "PA"}, {&detections}, options));
  ASSERT_EQ(table.rows.size(), 2u);
  ASSERT_EQ(table.header.size(), table.rows[0].size());
  EXPECT_EQ(table.rows[0][0], "view: AP");
  EXPECT_EQ(table.rows[0][4], "1.000 (1.00 to 1.00)");
  EXPECT_EQ(table.rows[0].back(), "few lesions");
  EXPECT_EQ(table.rows[1][4], "n/a");
  EXPECT_EQ(table.rows[1].back(), "no lesion");
}

TEST(SubgroupTable, LesionGroupsStandSideBySide) {
  const auto row = [](const char* group, int64_t lesions, double mean) {
    eval::SubgroupRow r;
    r.attribute = "lesion size";
    r.group = group;
    r.lesions = lesions;
    r.few = lesions < eval::kFewLesions;
    r.mean = {mean, mean - .125, mean + .125, 0, 0};
    return r;
  };
  const std::vector<std::vector<eval::SubgroupRow>> rows{
      {row("up to 0.100", 30, .25), row("above 0.100", 3, .5)},
      {row("up to 0.100", 30, .75), row("above 0.100", 3, 1)}};
  const ReportTable t = lesion_group_table("RetinaNet", {"Plain", "CAWE"}, rows);
  EXPECT_EQ(t.title, "Lesions by size and finding: RetinaNet");
  EXPECT_EQ(t.header, (std::vector<std::string>{"lesions", "n", "Plain", "CAWE", ""}));
  ASSERT_EQ(t.rows.size(), 2u);
  EXPECT_EQ(t.rows[0], (std::vector<std::string>{"lesion size: up to 0.100", "30", "0.250 (0.12 to 0.38)",
                                                 "0.750 (0.62 to 0.88)", ""}));
  EXPECT_EQ(t.rows[1][0], "lesion size: above 0.100");
  EXPECT_EQ(t.rows[1].back(), "few lesions");
  EXPECT_THROW(lesion_group_table("RetinaNet", {"Plain"}, rows), Error);
  EXPECT_THROW(lesion_group_table("RetinaNet", {"Plain", "CAWE"}, {rows[0], {rows[1][0]}}), Error);
  EXPECT_THROW(lesion_group_table("RetinaNet", {"Plain", "CAWE"}, {rows[0], {rows[1][1], rows[1][0]}}),
               Error);
}

}  // namespace
}  // namespace cawe::report
