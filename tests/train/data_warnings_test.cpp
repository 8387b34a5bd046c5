// SPDX-License-Identifier: Apache-2.0
// Tables that would be trained or tested on otherwise than their user thinks: refused, or said.
#include <gtest/gtest.h>

#include "data/formats/annotations/chexpert.h"
#include "tests/data/text_file.h"
#include "train/run_setup.h"

namespace cawe::train {
namespace {

using cawe::testing::expect_error;
using cawe::testing::TempDir;

SplitData data_for(const TempDir& dir, const Strings& more) {
  Strings sets{"data.root=\"" + dir.path("set") + "\"", "data.check_images=false"};
  sets.insert(sets.end(), more.begin(), more.end());
  RunRequest request;
  request.quiet = true;
  return data_of(Recipe::parse("task = \"classifier\"", "r.toml", "classifier", sets), request);
}

/// CheXpert's table: one film of each person, all labels empty.
void chexpert_table(const TempDir& dir, const std::string& name, int first, const Strings& views) {
  std::string text = "Path,Sex,Age,Frontal/Lateral,AP/PA";
  for (const std::string& label : data::chexpert_labels()) text += "," + label;
  for (const std::string& view : views) {
    const std::string path = "train/patient" + std::to_string(first++) + "/study1/view1.jpg";
    dir.file("set/" + path, "x");
    text += "\n" + path + ",Male,50," + view + ",AP" + std::string(14, ',');
  }
  dir.file("set/" + name, text + "\n");
}

TEST(OfficialTest, ATableWithoutAFilmOfTheViewsIsRefused) {
  const TempDir dir;
  chexpert_table(dir, "train.csv", 1, {"Frontal", "Frontal", "Lateral"});
  chexpert_table(dir, "valid.csv", 10, {"Lateral", "Lateral"});
  chexpert_table(dir, "empty.csv", 20, {});
  const Strings official{"data.format=chexpert", "data.labels_csv=train.csv", "data.test_csv=valid.csv",
                         "data.test=0", "data.val=0"};
  const auto with = [&](const std::string& set) {
    Strings sets = official;
    sets.push_back(set);
    return data_for(dir, sets);
  };
  expect_error(Code::data,
               {dir.path("set/valid.csv") + ": data.views = \"frontal\" leaves none of its 2 rows to test on "
                                            "(--set: data.test_csv; expected"},
               [&] { data_for(dir, official); });
  expect_error(Code::data, {"empty.csv: data.views = \"all\" leaves none of its 0 rows", "data.test_csv"},
               [&] {
                 data_for(dir, {"data.format=chexpert", "data.labels_csv=train.csv",
                                "data.test_csv=empty.csv", "data.test=0", "data.views=all"});
               });
  EXPECT_EQ(with("data.views=all").split.indices("test").size(), 2u);
  EXPECT_EQ(with("data.views=lateral").split.indices("test").size(), 2u);
}

// All films of the table may turn out to be unreadable later, and data.test is 0 beside it.
TEST(OfficialTest, NoFilmLeftIsSaid) {
  const Recipe recipe = Recipe::parse(
      "task = \"classifier\"", "r.toml", "classifier",
      {"data.format=chexpert", "data.labels_csv=train.csv", "data.test_csv=valid.csv", "data.test=0"});
  data::Split split;
  split.fold = {"train", "train", "val"};
  EXPECT_EQ(empty_folds(recipe, split), Strings{"no film is in a test fold (test): nothing is tested"});
}

// 0001.xml says that its film is 0002.png; both are there.
TEST(VocNames, SayWhoseTheBoxesAre) {
  const TempDir dir;
  for (const char* name : {"0001", "0002"}) dir.file(std::string("set/images/") + name + ".png", "x");
  dir.file("set/xml/0001.xml",
           "<annotation><filename>0002.png</filename><size><width>64</width><height>64</height></size>"
           "<object><name>mass</name><bndbox><xmin>9</xmin><ymin>9</ymin><xmax>20</xmax><ymax>20</ymax>"
           "</bndbox></object></annotation>");
  const auto film = [&](const std::string& names) {
    const Strings sets{"data.root=\"" + dir.path("set") + "\"",
                       "data.check_images=false",
                       "data.format=voc",
                       "data.annotations=xml",
                       "data.images=images",
                       "data.split_unit=image",
                       "data.voc_names=" + names};
    RunRequest request;
    request.quiet = true;
    const Recipe recipe = Recipe::parse("task = \"retinanet\"", "r.toml", "retinanet", sets);
    return data_of(recipe, request).dataset.samples.at(0).image_id;
  };
  EXPECT_EQ(film("filename"), "0002");
  EXPECT_EQ(film("file"), "0001");
  expect_error(Code::data, {"0002.png, but there is", "data.voc_names"}, [&] { film("both"); });
}

}  // namespace
}  // namespace cawe::train
