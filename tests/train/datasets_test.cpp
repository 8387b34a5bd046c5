// SPDX-License-Identifier: Apache-2.0
// From a recipe's [data] to samples and folds: whose paths lead where, which folds exist.
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

TEST(Datasets, TheRecipeMayNameAnyPathTheTableMayNot) {
  const TempDir dir;
  dir.file("elsewhere/films/a.png", "x");
  dir.file("elsewhere/t.csv", "image,patient\na.png,p\n");
  dir.file("elsewhere/b.csv", "patientId,x,y,width,height,Target\na,1,1,5,5,1\n");
  dir.file("elsewhere/s.csv", "image,patient,fold\na,p,test\n");
  dir.file("set/metadata.csv", "image,patient\nb.png,q\n" + dir.path("elsewhere/films/a.png") + ",p\n");
  const Strings absolute{"data.labels_csv=" + dir.path("elsewhere/t.csv"),
                         "data.images=" + dir.path("elsewhere/films"),
                         "data.boxes=" + dir.path("elsewhere/b.csv"), "data.split=file",
                         "data.split_file=" + dir.path("elsewhere/s.csv")};
  const SplitData data = load_data(recipe_for(dir, "retinanet", absolute));
  ASSERT_EQ(data.dataset.samples.size(), 1u);
  EXPECT_EQ(data.dataset.samples[0].path, dir.path("elsewhere/films/a.png"));
  EXPECT_EQ(data.dataset.samples[0].boxes.size(), 1u);
  EXPECT_EQ(load_data(recipe_for(dir, "retinanet",
                                 {"data.labels_csv=../elsewhere/t.csv", "data.images=../elsewhere/films"}))
                .dataset.samples[0]
                .path,
            dir.path("set/../elsewhere/films/a.png"));
  expect_error(
      Code::data,
      {"metadata.csv: line 3", "elsewhere/films/a.png", "outside the data folder", "data.allow_outside"},
      [&] { load_data(recipe_for(dir, "retinanet")); });
  EXPECT_EQ(load_data(recipe_for(dir, "retinanet", {"data.allow_outside=true"})).dataset.samples.size(), 2u);
}

TEST(Datasets, FoldsThatNobodyIsIn) {
  const TempDir dir;
  make_table(dir, 4, [](int) { return "1"; });
  dir.file("set/split.csv", "image,fold\nf0,train\nf1,train\nf2,test\nf3,b\n");
  EXPECT_EQ(load_data(recipe_for(dir, "retinanet", kFolds)).split.fold[3], "b")
      << "no fold 'val', which is a default";
  expect_error(Code::usage, {"data.test_folds", "names fold \"tset\"", "the folds are b, test, train"}, [&] {
    load_data(recipe_for(dir, "retinanet", with(kFolds, {"data.test_folds=[\"tset\"]"})));
  });
  // Splits that are drawn have these folds, also where no image fell into one, and no others.
  const Strings none_left{"data.val=0.0", "data.train_folds=[\"train\", \"val\"]", "data.val_folds=[]"};
  EXPECT_EQ(load_data(recipe_for(dir, "retinanet", none_left)).split.fold.size(), 4u);
  for (const Strings& split :
       {Strings{"data.split=patient"}, {"data.split=name_hash", "data.train_count=2"}, {"data.split=all"}})
    expect_error(Code::usage, {"data.test_folds", "names fold \"tset\""}, [&] {
      load_data(recipe_for(dir, "retinanet", with(split, {"data.test_folds=[\"tset\"]"})));
    });
  const PersonFolds persons{{"p0", "0"}, {"p1", "1"}};
  const Strings by_person{"data.train_folds=[\"0\", \"other\"]", "data.val_folds=[]",
                          "data.test_folds=[\"1\"]"};
  EXPECT_EQ(load_data(recipe_for(dir, "retinanet", by_person), true, &persons).split.fold,
            (Strings{"0", "1", "other", "other"}));
  expect_error(Code::usage, {"data.test_folds", "names fold \"2\"", "the folds are 0, 1, other"}, [&] {
    load_data(recipe_for(dir, "retinanet", with(by_person, {"data.test_folds=[\"2\"]"})), true, &persons);
  });
  expect_error(Code::usage, {"r.toml: data.split_file is missing"},
               [&] { load_data(recipe_for(dir, "retinanet", {"data.split=file"})); });
}

TEST(Datasets, NoFoldStandsInTwoKeys) {
  const TempDir dir;
  make_table(dir, 4, [](int) { return "1"; });
  dir.file("set/split.csv", "image,fold\nf0,train\nf1,val\nf2,test\nf3,test\n");
  const auto load = [&](const Strings& folds) {
    return load_data(recipe_for(dir, "retinanet", with(kFolds, folds))).warnings;
  };
  const struct {
    Strings sets, says;
  } shared[] = {
      {{"data.train_folds=[train,test]"}, {"data.test_folds names fold \"test\"", "data.train_folds"}},
      {{"data.test_folds=[test,train]"}, {"--set: data.test_folds names fold \"train\"", "data.train_folds"}},
      {{"data.val_folds=[test]"}, {"data.test_folds names fold \"test\"", "data.val_folds", "--allow-leak"}},
      {{"data.train_folds=[train,val]"},
       {"data.val_folds names fold \"val\"", "and so does data.train_folds"}}};
  for (const auto& [sets, says] : shared) {
    expect_error(Code::usage, says, [&, &sets = sets] { load(sets); });
    const Strings allowed = load(with(sets, {"allow_leak=true"}));
    ASSERT_FALSE(allowed.empty());
    EXPECT_EQ(allowed[0].rfind("a leak was allowed: data.", 0), 0u) << allowed[0];
  }
  expect_error(Code::usage, {"data.train_folds names fold \"train\" twice"}, [&] {
    load({"data.train_folds=[train,train]", "allow_leak=true"});
  });
  // All that is there may train, where nothing is left to judge by.
  load({"data.train_folds=[train,val,test]", "data.val_folds=[]", "data.test_folds=[]"});
}

TEST(Datasets, KFoldsOfAFile) {
  const TempDir dir;
  make_table(dir, 4, [](int) { return "1"; });
  const Strings of_file{"data.split=k_folds",       "data.folds=2",      "data.split_file=split.csv",
                        "data.train_folds=[\"0\"]", "data.val_folds=[]", "data.test_folds=[\"1\"]"};
  dir.file("set/split.csv", "image,fold\nf0,1\nf1,0\nf2,0\nf3,1\n");
  EXPECT_EQ(load_data(recipe_for(dir, "retinanet", of_file)).split.fold,
            (std::vector<std::string>{"1", "0", "0", "1"}));
  dir.file("set/split.csv", "image,fold\nf0,train\nf1,0\nf2,0\nf3,1\n");
  expect_error(Code::usage,
               {"data.split_file", "has the folds 0, 1, train", "expected 0 to 1", "data.folds is 2"},
               [&] { load_data(recipe_for(dir, "retinanet", of_file)); });
}

TEST(Datasets, TheHashIsOfAllThatDecidesAResult) {
  data::Dataset set;
  set.label_names = {"a"};
  set.class_names = {"lesion"};
  data::Sample s;
  s.image_id = "i";
  s.patient_id = "p";
  s.file_hash = std::string(64, 'f');
  s.labels = {0};
  s.boxes = {{1, 2, 3, 4}};
  s.box_classes = {0};
  set.samples = {s, s};
  set.samples[1].boxes.clear();
  set.samples[1].box_classes.clear();
  using Change = std::function<void(data::Dataset&, data::Sample&)>;  // of the set, and of its second sample
  const std::vector<std::pair<const char*, Change>> changes{
      {"searched for boxes", [](auto&, auto& x) { x.has_box_annotation = true; }},
      {"image", [](auto&, auto& x) { x.image_id = "j"; }},
      {"person", [](auto&, auto& x) { x.patient_id = "q"; }},
      {"bytes", [](auto&, auto& x) { x.file_hash[0] = 'e'; }},
      {"width", [](auto&, auto& x) { x.width = 1; }},
      {"height", [](auto&, auto& x) { x.height = 1; }},
      {"label", [](auto&, auto& x) { x.labels[0] = 1; }},
      {"an unknown label", [](auto&, auto& x) { x.labels[0] = NAN; }},
      {"a box",
       [](auto&, auto& x) {
         x.boxes.push_back({1, 2, 3, 4});
         x.box_classes.push_back(0);
       }},
      {"a box by a hair", [](auto& d, auto&) { d.samples[0].boxes[0].x1 = std::nextafter(1.0f, 2.0f); }},
      {"the class of a box", [](auto& d, auto&) { d.samples[0].box_classes[0] = 1; }},
      {"an ignored box",
       [](auto&, auto& x) {
         x.ignored.push_back({1, 2, 3, 4});
       }},
      {"sex", [](auto&, auto& x) { x.sex = "F"; }},
      {"view", [](auto&, auto& x) { x.view = "F"; }},
      {"age", [](auto&, auto& x) { x.age = 50; }},
      {"order", [](auto& d, auto&) { std::swap(d.samples[0], d.samples[1]); }},
      {"a film less", [](auto& d, auto&) { d.samples.pop_back(); }},
      {"names of labels", [](auto& d, auto&) { d.label_names[0] = "b"; }},
      {"names of classes", [](auto& d, auto&) { d.class_names[0] = "b"; }},
      {"whether persons are known", [](auto& d, auto&) { d.patients_known = false; }}};
  std::map<std::string, const char*> seen{{hashes_of_data(set).all, "nothing"}};
  for (const auto& [what, change] : changes) {
    data::Dataset other = set;
    change(other, other.samples[1]);
    const auto [place, fresh] = seen.emplace(hashes_of_data(other).all, what);
    EXPECT_TRUE(fresh) << what << " hashes as " << place->second;
  }
  // Where a film lies and what names it decide nothing.
  data::Dataset moved = set;
  moved.samples[1].path = "elsewhere/i.png";
  moved.samples[1].where = "t.csv: line 2";
  EXPECT_EQ(hashes_of_data(moved).all, hashes_of_data(set).all);
  // The parts tell what changed.
  data::Dataset boxed = set;
  boxed.samples[0].boxes[0].x1 = 0;
  const DataHashes before = hashes_of_data(set), after = hashes_of_data(boxed);
  for (size_t i = 0; i < before.parts.size(); ++i) {
    EXPECT_EQ(before.parts[i].first, after.parts[i].first);
    EXPECT_EQ(before.parts[i].second == after.parts[i].second, before.parts[i].first != "data_boxes");
  }
}

TEST(Datasets, ACacheGivesARowOnlyWhatIsItsOwn) {
  const TempDir dir;
  make_table(dir, 6, [](int) { return "0"; });
  RunRequest request;
  request.quiet = true;
  request.data_cache = std::make_shared<DataCache>();
  const Strings boxes{"data.boxes=boxes.csv", "data.label_columns=[\"label\"]"};
  const auto sentence = [&](const char* task) {
    const std::vector<std::string> warnings = data_of(recipe_for(dir, task, boxes), request).warnings;
    return warnings.empty() ? "" : warnings.front();
  };
  EXPECT_NE(sentence("retinanet").find("searched for lesions"), std::string::npos);
  EXPECT_NE(sentence("classifier").find("labels without a positive"), std::string::npos);
  EXPECT_EQ(sentence("colorizer"), "");
  EXPECT_EQ(request.data_cache->size(), 3u);
  EXPECT_NE(sentence("faster_rcnn").find("searched for lesions"), std::string::npos);
  EXPECT_EQ(request.data_cache->size(), 3u) << "both detectors share theirs";
  const Strings folds =
      with(boxes, {"data.train_folds=[\"0\"]", "data.val_folds=[]", "data.test_folds=[\"1\"]"});
  for (const char* first : {"0", "1"}) {
    PersonFolds persons;
    for (int i = 0; i < 6; ++i) persons["p" + std::to_string(i)] = i == 0 ? first : i == 1 ? "0" : "1";
    request.person_folds = std::make_shared<PersonFolds>(persons);
    EXPECT_EQ(data_of(recipe_for(dir, "retinanet", folds), request).split.fold[0], first);
  }
}

// A run's recipe says image where every image is its own person, and names the table of groups that it was
// given.
TEST(Datasets, TheRecipeOfARunDealsAsTheRunDid) {
  const TempDir dir;
  std::string table = "image,patient\na.png,a.png\n";
  for (int i = 1; i < 10; ++i) table += detail::concat("a-", i, ".png,a-", i, ".png\n");
  dir.file("set/metadata.csv", table);
  for (const Strings& how : {Strings{"data.split=patient"}, {"data.split=k_folds", "data.folds=3"}}) {
    const SplitData first = load_data(recipe_for(dir, "retinanet", how));
    EXPECT_FALSE(first.persons_known);
    const SplitData again = load_data(recipe_for(dir, "retinanet", with(how, {"data.split_unit=image"})));
    EXPECT_EQ(again.split.fold, first.split.fold);
    EXPECT_EQ(again.split_note, first.split_note);
  }
  // By the names of persons, "a.png" behind "a-9.png"; images are in another order.
  const SplitData dealt = load_data(recipe_for(dir, "retinanet"));
  data::SplitOptions by_image;
  by_image.unit = data::SplitUnit::image;
  EXPECT_EQ(data::split_by_patient(dealt.dataset, {}).fold, dealt.split.fold);
  EXPECT_NE(data::split_by_patient(dealt.dataset, by_image).fold, dealt.split.fold);
}

TEST(Datasets, ARecipeTakesItsTableOfGroupsAlong) {
  const TempDir dir;
  make_table(dir, 4, [](int) { return "0"; });
  dir.file("a/groups.csv", "image,group\nf0,1\nf1,1\n");
  dir.file("b/groups.csv", "image,group\nf2,1\nf3,1\n");
  RunRequest request;
  request.quiet = true;
  request.data_cache = std::make_shared<DataCache>();
  for (const std::string folder : {"a", "b"}) {
    const Recipe given =
        Recipe::parse("task = \"retinanet\"", dir.path(folder + "/r.toml"), "retinanet",
                      {"data.root=" + dir.path("set"), "data.check_images=false", "data.groups=groups.csv"});
    Recipe written = given;
    const SplitData read = data_of(written, request);
    EXPECT_EQ(read.dataset.samples[0].patient_id, folder == "a" ? "group:p0" : "p0");
    EXPECT_EQ(written.word("data.groups"), dir.path(folder + "/groups.csv"));
    EXPECT_EQ(data_of(given, request).split_hash, read.split_hash);
    const Recipe again = Recipe::parse(written.resolved(), dir.path("run/recipe.toml"), "retinanet");
    EXPECT_EQ(load_data(again).split_hash, read.split_hash);
  }
  EXPECT_EQ(request.data_cache->size(), 2u) << "two tables of one name";
  // Below data.root, or behind $CAWE_DATA, the name means the same wherever the recipe lies.
  dir.file("set/below.csv", "image,group\nf0,1\nf1,1\n");
  Recipe recipe = recipe_for(dir, "retinanet", {"data.groups=below.csv"});
  data_of(recipe, request);
  EXPECT_EQ(recipe.word("data.groups"), "below.csv");
}

TEST(Datasets, FoldsOfPersonsKnowGroups) {
  const TempDir dir;
  make_table(dir, 5, [](int) { return "0"; });
  dir.file("set/groups_of_two_sets.csv", "image,group\nf0,1\nelsewhere,1\nf1,2\nf2,2\n");
  const Strings folds{"data.train_folds=[\"0\", \"other\"]", "data.val_folds=[]", "data.test_folds=[\"1\"]",
                      "data.groups=groups_of_two_sets.csv"};
  const PersonFolds persons{{"group:with elsewhere", "0"}, {"p2", "1"}, {"p3", "0"}};
  EXPECT_EQ(load_data(recipe_for(dir, "retinanet", folds), true, &persons).split.fold,
            (Strings{"0", "1", "1", "0", "other"}))
      << "f0 by its group in another data set, f1 by the person that it is grouped with";
}

}  // namespace
}  // namespace cawe::train
