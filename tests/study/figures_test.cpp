// SPDX-License-Identifier: Apache-2.0
// Which films a study's figures show, and where on them the boxes are.
#include "study/figures.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/data/text_file.h"
#include "tests/report/drawn.h"
#include "tests/study/small_result.h"

namespace cawe::study {
namespace {

using cawe::testing::TempDir;
using report::testing::table;
using report::testing::where;
using testing::kSide;

std::vector<report::Figure> figures_of(StudyResult* study) {
  testing::evaluate(study);
  study->map_classes = study_maps(*study).classes;
  return study_figures(*study, study->compared);
}

std::vector<std::string> names(const std::vector<report::Figure>& figures) {
  std::vector<std::string> out;
  for (const report::Figure& figure : figures) out.push_back(figure.name);
  return out;
}

/// Films of 64 x 96 of which the middle is seen: 16 rows are cut off above.
TEST(StudyFigures, DrawBoxesInTheFrameThatPicturesHave) {
  const TempDir dir;
  StudyResult study = testing::result_in(dir.path(), data::Fit::crop);
  for (const char* name : {"a", "b", "c"})
    testing::add_film(&study, name, testing::noise(kSide, 96, name), {{2, 2, 12, 10}, {20, 24, 40, 40}});
  const std::vector<report::Figure> figures = figures_of(&study);
  ASSERT_EQ(names(figures), (std::vector<std::string>{"figure1", "figure2", "figure4"})) << "three films";
  const auto pipeline = table(figures[0]), attention = table(figures[1]);
  const auto expect_box = [](const data::CsvTable& csv, const std::vector<size_t>& rows) {
    ASSERT_FALSE(rows.empty());
    for (const size_t r : rows)
      for (const auto& [column, value] :
           {std::pair<const char*, double>{"x1", 20}, {"y1", 8}, {"x2", 40}, {"y2", 24}})
        EXPECT_EQ(csv.number(r, csv.column(column)), value) << column;
  };
  expect_box(pipeline, where(pipeline, "part", "box"));
  EXPECT_FALSE(where(pipeline, "name", "right").empty());
  expect_box(attention, where(attention, "part", "truth"));
}

TEST(StudyFigures, HaveATsneOfFilmsThatShareAClassifierOrNone) {
  const TempDir dir;
  StudyResult study = testing::result_in(dir.path());
  study.settings.folds = 4;
  study.chains["cawe"] = std::vector<train::Chain>(4, testing::chain_with_maps());
  for (const char* name : {"a", "b", "c", "d"})
    testing::add_film(&study, name, testing::noise(kSide, kSide, name), {{20, 24, 40, 40}});
  study.data.split.fold = {"0", "1", "2", "3"};
  EXPECT_EQ(names(figures_of(&study)), (std::vector<std::string>{"figure1", "figure2", "figure4"}))
      << "the first fold's one film is no figure";
  study.compared.clear();
  study.data.split.fold = {"0", "0", "0", "0"};
  const std::vector<report::Figure> figures = figures_of(&study);
  ASSERT_EQ(names(figures), (std::vector<std::string>{"figure1", "figure2", "figure3", "figure4"}));
  EXPECT_NE(figures[2].caption.find("enhancement CAWE; films of the first fold alone, since each fold has a "
                                    "classifier of its own. (a)"),
            std::string::npos)
      << figures[2].caption;
  study.compared.clear();
  study.settings.folds = 0;
  study.chains["cawe"].resize(1);
  EXPECT_EQ(figures_of(&study)[2].caption.find("first fold"), std::string::npos) << "all films share it";
}

TEST(StudyFigures, SpeakOfOneFilm) {
  const TempDir dir;
  StudyResult study = testing::result_in(dir.path());
  testing::add_film(&study, "a", testing::noise(kSide, kSide, "a"), {{20, 24, 40, 40}});
  EXPECT_NE(figures_of(&study)[0].caption.find("from the 1 test film with a lesion (boot.seed 0)"),
            std::string::npos);
}

}  // namespace
}  // namespace cawe::study
