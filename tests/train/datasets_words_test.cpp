// SPDX-License-Identifier: Apache-2.0
// What is warned of and refused between a recipe's [data] and its samples and folds.
#include "train/datasets.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/train/data_tables.h"
#include "train/run_setup.h"

namespace cawe::train {
namespace {

using cawe::testing::expect_error;
using cawe::testing::TempDir;
using testing::kFolds;
using testing::make_table;
using testing::recipe_for;
using testing::with;

TEST(Datasets, WarnsOfFoldsWithoutALesion) {
  const TempDir dir;
  make_table(dir, 6, [](int i) { return i < 2 ? "1" : "0"; });
  dir.file("set/split.csv", "image,fold\nf0,train\nf1,train\nf2,val\nf3,val\nf4,test\nf5,test\n");
  const Strings boxes{"data.boxes=boxes.csv"};
  std::vector<std::string> warnings = load_data(recipe_for(dir, "retinanet", with(kFolds, boxes))).warnings;
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(
      warnings[0],
      "none of the 2 films of data.val_folds (val) that were searched for lesions has one: sensitivity and "
      "mean AP of the validation are not defined (data.stratify = true, a larger share, or another "
      "data.split_seed may help)");
  EXPECT_NE(warnings[1].find("of data.test_folds (test)"), std::string::npos);
  dir.file("set/split.csv", "image,fold\nf0,val\nf1,test\nf2,train\nf3,train\nf4,train\nf5,train\n");
  warnings = load_data(recipe_for(dir, "faster_rcnn", with(kFolds, boxes))).warnings;
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(
      warnings[0],
      "none of the 4 films of data.train_folds (train) that were searched for lesions has one: a detector "
      "learns nothing from them");
  // Drawn, with as few as two: training and test have one.
  warnings = load_data(recipe_for(dir, "retinanet", with(boxes, {"data.val=0.0", "data.test=0.2"}))).warnings;
  EXPECT_TRUE(warnings.empty()) << warnings[0];
}

TEST(Datasets, WarnsOfFoldsThatNoKeyReads) {
  const TempDir dir;
  make_table(dir, 6, [](int i) { return i % 2 ? "1" : "0"; });
  const auto warnings = [&](const Strings& folds, const Strings& more = {}) {
    std::string rows = "image,fold\n";
    for (size_t i = 0; i < folds.size(); ++i) rows += "f" + std::to_string(i) + "," + folds[i] + "\n";
    dir.file("set/split.csv", rows);
    return load_data(recipe_for(dir, "colorizer", with(kFolds, more))).warnings;
  };
  EXPECT_EQ(
      warnings({"train", "train", "trian", "trian", "Test", "val"}),
      Strings{"3 of 6 films of the split file are in folds that none of data.train_folds, data.val_folds and "
              "data.test_folds reads: \"Test\" 1 (did you mean test?), \"trian\" 2"});
  EXPECT_EQ(
      warnings({"train", "train", "Val", "train", "test", "test"}),
      Strings{"1 of 6 films of the split file is in a fold that none of data.train_folds, data.val_folds and "
              "data.test_folds reads: \"Val\" 1 (did you mean val?)"});
  const Strings all{"train", "val", "test", "train", "val", "test"};
  EXPECT_EQ(warnings(all), Strings());
  EXPECT_EQ(warnings(all, {"data.val_folds=[]", "data.test_folds=[]"}), Strings()) << "left out on purpose";
  EXPECT_EQ(warnings(all, {"data.val_folds=[]", "data.train_folds=[test]", "data.test_folds=[val]"}).size(),
            1u);
  // Folds that are numbers are meant to be read in turn.
  EXPECT_EQ(warnings({"0", "1", "2", "0", "1", "2"},
                     {"data.split=k_folds", "data.folds=3", "data.train_folds=[\"0\"]", "data.val_folds=[]",
                      "data.test_folds=[\"1\"]"}),
            Strings());
}

TEST(Datasets, WarnsOfTestAndValidationFilmsThatAreNone) {
  const TempDir dir;
  make_table(dir, 16, [](int) { return "1"; });
  RunRequest request;
  request.quiet = true;
  const auto warnings = [&](const Strings& sets) {
    return data_of(recipe_for(dir, "colorizer", sets), request).warnings;
  };
  const std::string untested = "no film is in a test fold (test): nothing is tested",
                    unchosen =
                        "no film is in a validation fold: the last checkpoint is used, although "
                        "train.eval_every is 5";
  EXPECT_EQ(warnings({"data.test=0.01", "data.stratify=false"}), Strings{untested});
  EXPECT_EQ(warnings({"data.val=0", "train.eval_every=5"}), Strings{unchosen});
  EXPECT_EQ(warnings({"data.val_folds=[]", "train.eval_every=5", "train.patience=2"}),
            Strings{unchosen + ", and train.patience stops nothing"});
  EXPECT_EQ(warnings({"data.val=0"}), Strings());
  EXPECT_EQ(warnings({"data.test=0"}), Strings()) << "none is wanted";
  EXPECT_EQ(warnings({"data.test=0.01", "data.stratify=false", "data.test_folds=[]"}), Strings());
  EXPECT_EQ(warnings({"data.val=0.3", "train.eval_every=5"}), Strings());
  // Rows of a study share data that were read once.
  request.data_cache = std::make_shared<DataCache>();
  EXPECT_EQ(warnings({"data.val=0"}), Strings());
  EXPECT_EQ(warnings({"data.val=0", "train.eval_every=5"}), Strings{unchosen});
}

TEST(Datasets, WarnsOfBoxesOfSeveralCategories) {
  const TempDir dir;
  dir.file("set/images/a.png", "x");
  dir.file("set/images/b.png", "x");
  const auto warnings = [&](int second) {
    dir.file("set/coco.json",
             R"({"images":[{"id":1,"file_name":"a.png","width":64,"height":64},)"
             R"({"id":2,"file_name":"b.png","width":64,"height":64}],)"
             R"("categories":[{"id":1,"name":"lesion"},{"id":2,"name":"heart"}],)"
             R"("annotations":[{"id":1,"image_id":1,"category_id":1,"bbox":[1,1,5,5],"area":25,"iscrowd":0},)"
             R"({"id":2,"image_id":1,"category_id":1,"bbox":[9,9,5,5],"area":25,"iscrowd":0},)"
             R"({"id":3,"image_id":2,"category_id":)" +
                 std::to_string(second) + R"(,"bbox":[1,1,5,5],"area":25,"iscrowd":0}]})");
    return load_data(recipe_for(dir, "retinanet",
                                {"data.format=coco", "data.images=images", "data.split=all",
                                 "data.train_folds=[]", "data.val_folds=[]"}))
        .warnings;
  };
  EXPECT_EQ(warnings(1), Strings());
  EXPECT_EQ(warnings(2), Strings{"the boxes are of 2 categories (lesion 2, heart 1): all count as lesions"});
}

TEST(Datasets, FilesThatAreMissingNameTheirKey) {
  const TempDir dir;
  make_table(dir, 2, [](int) { return "1"; });
  const std::vector<std::pair<std::string, Strings>> missing{
      {"data.labels_csv", {}},
      {"data.boxes", {}},
      {"data.split_file", {"data.split=file"}},
      {"data.labels_csv", {"data.format=chexpert"}},
      {"data.boxes", {"data.format=coco"}},
      {"data.annotations", {"data.format=voc"}},
      {"data.mapping", {"data.format=rsna", "data.labels_csv=boxes.csv"}}};
  for (const auto& [key, sets] : missing)
    expect_error(Code::data, {dir.path("set/nope: no such file (--set: " + key + ")")},
                 [&, &key = key, &sets = sets] {
                   load_data(recipe_for(dir, "retinanet", with(sets, {key + "=nope"})));
                 });
}

TEST(Datasets, ARejectedFilmNamesItsField) {
  const TempDir dir;
  dir.file("set/metadata.csv", "image,patient\na.png,\n");
  dir.file("set/images/a.png", "x");
  expect_error(Code::data, {"1 rejected; first: ", "a.png: patient: ", "line 2: is empty"},
               [&] { load_data(recipe_for(dir, "colorizer")); });
}

TEST(Datasets, WarnsOfFilmsThatTheTableOfBoxesLeavesOut) {
  const TempDir dir;
  make_table(dir, 6, [](int) { return "1"; });
  dir.file("set/split.csv", "image,fold\nf0,train\nf1,train\nf2,train\nf3,val\nf4,test\nf5,test\n");
  dir.file("set/boxes.csv", "patientId,x,y,width,height,Target\nf0,1,1,5,5,1\nf3,1,1,5,5,1\nf4,1,1,5,5,1\n");
  const std::vector<std::string> warnings =
      load_data(recipe_for(dir, "retinanet", with(kFolds, {"data.boxes=boxes.csv"}))).warnings;
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(
      warnings[0],
      "3 of 6 films have no row in boxes.csv (test 1, train 2; the first is " +
          dir.path("set/images/f1.png") +
          ") and are left out of training and test (a film without a lesion needs a row with Target 0)");
}

TEST(Datasets, OneFileIsOneFilm) {
  const TempDir dir;
  const std::string film = dir.file("set/images/a.png", "x");
  dir.file("set/images/b.png", "x");
  std::filesystem::create_symlink("a.png", dir.path("set/images/c.png"));
  std::filesystem::create_hard_link(film, dir.path("set/images/d.png"));
  for (const std::string& other :
       {std::string("../images/a.png"), film, std::string("../../set/images/a.png"), std::string("c.png"),
        std::string("d.png")}) {
    dir.file("set/metadata.csv", "image,patient\na.png,p\nb.png,q\n" + other + ",r\n");
    expect_error(Code::data, {"line 4", "has a row already", "a.png", "line 2"},
                 [&] { load_data(recipe_for(dir, "colorizer")); });
  }
  dir.file("set/metadata.csv", "image,patient\na.png,p\nb.png,q\n");
  EXPECT_EQ(load_data(recipe_for(dir, "colorizer")).dataset.samples.size(), 2u)
      << "equal bytes are two files";
}

TEST(Datasets, ALabelStandsOnce) {
  const TempDir dir;
  make_table(dir, 2, [](int) { return "1"; });
  expect_error(Code::usage, {"--set: data.label_columns holds \"label\" twice"},
               [&] { load_data(recipe_for(dir, "classifier", {"data.label_columns=label,other,label"})); });
}

TEST(Datasets, WarnsOfLabelsThatCannotBeLearnt) {
  const TempDir dir;
  const auto warnings = [&](const std::function<std::string(int)>& label, const Strings& labels) {
    make_table(dir, 6, label);
    dir.file("set/split.csv", "image,fold\nf0,train\nf1,train\nf2,train\nf3,train\nf4,test\nf5,test\n");
    return load_data(recipe_for(dir, "classifier", with(kFolds, labels))).warnings;
  };
  using Warnings = std::vector<std::string>;
  const Strings both{"data.label_columns=[\"label\", \"other\"]"}, one{"data.label_columns=[\"label\"]"};
  EXPECT_EQ(warnings([](int i) { return i % 2 ? "1" : "0"; }, one), Warnings());
  EXPECT_EQ(
      warnings([](int) { return ""; }, both),
      (Warnings{"no label is known among the 4 films of data.train_folds (train): nothing can be learnt",
                "no label is known among the 2 films of data.test_folds (test): nothing can be judged"}));
  EXPECT_EQ(warnings([](int i) { return i % 2 ? "1" : "0"; }, both),
            (Warnings{"labels that are unknown (empty) among the 4 films of data.train_folds (train): other: "
                      "they are left out "
                      "of the loss",
                      "labels that are unknown (empty) among the 2 films of data.test_folds (test): other: "
                      "their AUROC is not "
                      "defined there"}));
  EXPECT_EQ(warnings([](int i) { return i < 4 ? "0" : "1"; }, one),
            (Warnings{"labels without a positive among the 4 films of data.train_folds (train): label: they "
                      "can only be learnt "
                      "as absent",
                      "labels without a negative among the 2 films of data.test_folds (test): label: their "
                      "AUROC is not defined "
                      "there"}));
}

}  // namespace
}  // namespace cawe::train
