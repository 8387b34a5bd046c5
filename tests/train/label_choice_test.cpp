// SPDX-License-Identifier: Apache-2.0
// Which labels are learnt, in every format; which of them a map may show.
#include "train/label_choice.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/data/text_file.h"
#include "train/datasets.h"

namespace cawe::train {
namespace {

using cawe::testing::expect_error;
using cawe::testing::TempDir;

Recipe recipe_for(const TempDir& dir, const Strings& more) {
  Strings sets{"data.root=\"" + dir.path("set") + "\"", "data.check_images=false"};
  sets.insert(sets.end(), more.begin(), more.end());
  return Recipe::parse("task = \"classifier\"", "r.toml", "classifier", sets);
}

/// Three films with three labels as a table, one of them unknown in the second film.
void make_table(const TempDir& dir) {
  for (const char* film : {"a", "b", "c"}) dir.file(std::string("set/images/") + film + ".png", film);
  dir.file("set/metadata.csv", "image,patient,edema,mass,tube\na.png,1,1,0,1\nb.png,2,0,,1\nc.png,3,1,1,0\n");
}

const Strings kAll{"data.label_columns=[\"*\"]"};

data::Dataset table_with(const TempDir& dir, Strings sets) {
  sets.insert(sets.end(), kAll.begin(), kAll.end());
  return load_data(recipe_for(dir, sets)).dataset;
}

std::string rows_of(const data::Dataset& d) {
  std::string all;
  for (const data::Sample& s : d.samples) {
    for (const float v : s.labels) all += std::isnan(v) ? '?' : v == 1 ? '1' : '0';
    all += ' ';
  }
  return all;
}

TEST(LabelChoice, OfATable) {
  const TempDir dir;
  make_table(dir);
  const data::Dataset all = table_with(dir, {});
  EXPECT_EQ(all.label_names, (Strings{"edema", "mass", "tube"}));
  EXPECT_EQ(rows_of(all), "101 0?1 110 ");
  const data::Dataset two = table_with(dir, {"data.labels=[\"tube\", \"edema\"]"});
  EXPECT_EQ(two.label_names, (Strings{"tube", "edema"})) << "in the order of the key";
  EXPECT_EQ(rows_of(two), "11 10 01 ");
  EXPECT_EQ(two.counts.at("positive tube"), 2);
  EXPECT_EQ(two.counts.count("positive mass"), 0u);
  const data::Dataset without = table_with(dir, {"data.without_labels=[\"tube\"]"});
  EXPECT_EQ(without.label_names, (Strings{"edema", "mass"}));
  EXPECT_EQ(rows_of(without), "10 0? 11 ");
  const data::Dataset both =
      table_with(dir, {"data.labels=[mass, edema]", "data.without_labels=[edema, tube]"});
  EXPECT_EQ(rows_of(both), "0 ? 1 ");
  EXPECT_NE(hashes_of_data(two).all, hashes_of_data(all).all) << "a result depends on it";
}

TEST(LabelChoice, MistakesNameTheKey) {
  const TempDir dir;
  make_table(dir);
  expect_error(Code::usage, {"data.labels", "names \"edem\"", "edema, mass, tube", "nearest: edema"},
               [&] { table_with(dir, {"data.labels=[\"edem\"]"}); });
  expect_error(Code::usage, {"data.without_labels", "names \"nothing like it\""},
               [&] { table_with(dir, {"data.without_labels=[\"nothing like it\"]"}); });
  expect_error(Code::usage, {"data.labels", "holds \"mass\" twice"},
               [&] { table_with(dir, {"data.labels=[mass, mass]"}); });
  expect_error(Code::usage, {"data.without_labels", "leaves no label"}, [&] {
    table_with(dir, {"data.labels=[mass]", "data.without_labels=[mass]"});
  });
  expect_error(Code::usage, {"data.labels", "names \"mass\"", "they have none"},
               [&] { load_data(recipe_for(dir, {"data.labels=[mass]"})); });
}

TEST(LabelChoice, OfChexpertWithItsOtherTable) {
  const TempDir dir;
  const std::string header =
      "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung "
      "Opacity,Lung Lesion,Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural "
      "Other,Fracture,Support Devices\n";
  const auto row = [](int patient, const std::string& cells) {
    return "train/patient" + std::to_string(patient) + "/study1/view1_frontal.jpg,Female,60,Frontal,AP," +
           cells + "\n";
  };
  dir.file("set/train.csv", header + row(1, "1.0,,,,,,,,,,,,,1.0") + row(2, ",,-1.0,,,,,1.0,,,,,0.0,"));
  dir.file("set/valid.csv", header + row(3, "0.0,,1.0,,,,,,,,,,,1.0"));
  for (int patient = 1; patient <= 3; ++patient)
    dir.file("set/train/patient" + std::to_string(patient) + "/study1/view1_frontal.jpg",
             "x" + std::to_string(patient));
  const auto chexpert = [&](Strings sets) {
    for (const char* more : {"data.format=chexpert", "data.test_csv=valid.csv", "data.test=0"})
      sets.push_back(more);
    return load_data(recipe_for(dir, sets)).dataset;
  };
  const data::Dataset without = chexpert({"data.without_labels=[\"Support Devices\"]"});
  EXPECT_EQ(without.label_names.size(), 13u);
  EXPECT_EQ(without.label_names.back(), "Fracture");
  EXPECT_EQ(rows_of(without), "1000000000000 0010000100000 0010000000000 ");
  const data::Dataset five =
      chexpert({"data.labels=[\"Atelectasis\", \"Cardiomegaly\", \"Consolidation\", \"Edema\", \"Pleural "
                "Effusion\"]"});
  EXPECT_EQ(rows_of(five), "00000 01000 01000 ");
}

TEST(LabelChoice, OfRsna) {
  const TempDir dir;
  dir.file("set/stage_2_train_labels.csv",
           "patientId,x,y,width,height,Target\na,1,1,5,5,1\nb,,,,,0\nc,,,,,0\n");
  dir.file("set/stage_2_detailed_class_info.csv",
           "patientId,class\na,Lung Opacity\nb,No Lung Opacity / Not Normal\nc,Normal\n");
  for (const char* film : {"a", "b", "c"}) dir.file(std::string("set/images/") + film + ".dcm", film);
  const data::Dataset d = load_data(recipe_for(dir, {"data.format=rsna", "data.split_unit=image",
                                                     "data.without_labels=[\"Normal\"]"}))
                              .dataset;
  EXPECT_EQ(d.label_names, (Strings{"Lung Opacity", "No Lung Opacity / Not Normal"}));
  EXPECT_EQ(rows_of(d), "10 01 00 ");
}

TEST(LabelChoice, LabelsThatSayThatNothingWasFound) {
  for (const char* label :
       {"No Finding", "no_finding", "No findings", "Normal", "NORMAL", " healthy ", "Healthy"})
    EXPECT_TRUE(says_nothing_found(label)) << label;
  for (const char* label : {"No Lung Opacity / Not Normal", "Lung Opacity", "abnormal", "Normal variant",
                            "Support Devices", "", " ", "Findings"})
    EXPECT_FALSE(says_nothing_found(label)) << label;
  EXPECT_EQ(
      labels_without_place({"Lung Opacity", "No Lung Opacity / Not Normal", "Normal"}, Code::usage, "r"),
      Strings{"Normal"});
  EXPECT_EQ(labels_without_place({"edema"}, Code::usage, "r"), Strings());
  expect_error(Code::data,
               {"r.toml: enhance.classifier", "no label of the classifier is a finding", "Normal"},
               [] { labels_without_place({"Normal"}, Code::data, "r.toml: enhance.classifier"); });
}

}  // namespace
}  // namespace cawe::train
