// SPDX-License-Identifier: Apache-2.0
// Groups of films: read, united with persons, dealt whole, and known to models.
#include "data/groups.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "data/leak.h"
#include "tensor/io/files.h"
#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

using cawe::testing::expect_error;
using cawe::testing::TempDir;

Dataset films(const std::vector<std::pair<std::string, std::string>>& image_and_person) {
  Dataset data;
  for (const auto& [image, person] : image_and_person) {
    Sample sample;
    sample.image_id = image;
    sample.patient_id = person;
    sample.path = image + ".png";
    data.samples.push_back(sample);
  }
  return data;
}

/// 60 images that stand for themselves; 3 * k, 3 * k + 1 are alike for k below 15.
Dataset images() {
  std::vector<std::pair<std::string, std::string>> all;
  for (int i = 0; i < 60; ++i) all.emplace_back("i" + std::to_string(i), "i" + std::to_string(i));
  return films(all);
}

/// Whether a model that film `train` trained, by what its checkpoint keeps, may not be tested on film `test`.
bool leaks(const Dataset& trained, int64_t train, const Dataset& tested, int64_t test) {
  const std::string kept = manifest_text(trained_patients("model", trained, {train}));
  return !find_leaks(tested, {test}, {parse_manifest("model", kept)}).empty();
}

class Groups : public ::testing::Test {
 protected:
  void apply(const std::string& text, Dataset* data) {
    write_file(path_, text);
    apply_groups(path_, data);
  }
  void group_images(Dataset* data) {
    std::string text = "image,group\n";
    for (int k = 0; k < 15; ++k)
      for (int i = 3 * k; i < 3 * k + 2; ++i)
        text += "i" + std::to_string(i) + ".png," + std::to_string(k) + "\n";
    apply(text, data);
  }
  TempDir dir_;
  std::string path_ = dir_.path("groups.csv");
};

TEST(Connected, NumbersAreOfFirstMembers) {
  EXPECT_EQ(connected(6, {{4, 1}, {2, 5}, {1, 5}}), (std::vector<int64_t>{0, 1, 1, 2, 1, 1}));
  EXPECT_EQ(connected(3, {}), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_TRUE(connected(0, {}).empty());
}

TEST_F(Groups, PersonsAndGroupsAreUnited) {
  Dataset data =
      films({{"a1", "a"}, {"a2", "a"}, {"b1", "b"}, {"c1", "c"}, {"d1", "d"}, {"e1", "e"}, {"e2", "e"}});
  apply("image,group,why\na2,1,x\nb1.dcm,1,x\nb1,1,x\nc1,2,x\nd1,2,x\nzz,3,x\ne1,,x\n", &data);
  std::vector<std::string> persons, own;
  for (const Sample& s : data.samples) {
    persons.push_back(s.patient_id);
    own.push_back(s.source_patient);
  }
  EXPECT_EQ(persons,
            (std::vector<std::string>{"group:a", "group:a", "group:a", "group:c", "group:c", "e", "e"}));
  EXPECT_EQ(own, (std::vector<std::string>{"a", "a", "b", "c", "d", "", ""}));
  ASSERT_EQ(data.warnings.size(), 1u);
  EXPECT_NE(data.warnings[0].find("1 row names no film"), std::string::npos) << data.warnings[0];
}

TEST_F(Groups, ATableThatSaysTwoThingsIsRefused) {
  Dataset data = films({{"a", "a"}, {"b", "b"}});
  expect_error(Code::data, {"two groups"}, [&] { apply("image,group\na,1\na.png,2\n", &data); });
  expect_error(Code::data, {"names none of the 2 films"}, [&] { apply("image,group\nx,1\n", &data); });
  apply("image,group\n", &data);  // no pair was found
  EXPECT_EQ(data.samples[0].patient_id, "a");
  expect_error(Code::data, {"image is empty"}, [&] { apply("image,group\n,1\n", &data); });
  expect_error(Code::data, {"group"}, [&] { apply("image,grp\na,1\n", &data); });
  Dataset folders = films({{"p1/a", "a"}, {"p2/a", "b"}});
  expect_error(Code::data, {"expected names with their folders"},
               [&] { apply("image,group\na,1\n", &folders); });
}

TEST_F(Groups, EverySplitThatIsDrawnDealsThemWhole) {
  for (const SplitUnit unit : {SplitUnit::patient, SplitUnit::image}) {
    Dataset data = images();
    group_images(&data);
    SplitOptions options;
    options.unit = unit;
    const Split folds = split_k_folds(data, 5, options), shares = split_by_patient(data, options);
    EXPECT_EQ(torn_groups(data, folds), "");
    EXPECT_EQ(torn_groups(data, shares), "");
    std::map<std::string, int> size;
    for (const std::string& fold : folds.fold) ++size[fold];
    EXPECT_EQ(size.size(), 5u);
    for (const auto& [fold, count] : size) EXPECT_NEAR(count, 12, 3) << fold;
  }
  // Without groups the same draws do tear them, or this test would see nothing.
  Dataset data = images();
  const Split folds = split_k_folds(data, 5, {});
  group_images(&data);
  EXPECT_NE(torn_groups(data, folds), "");
}

TEST_F(Groups, ASplitByNamesOrAFileIsOnlyWarnedOf) {
  Dataset data = images();
  group_images(&data);
  const Split split = split_by_name_hash(data, 40);
  const std::string torn = torn_groups(data, split);
  EXPECT_NE(torn.find("in more than one fold"), std::string::npos) << torn;
  write_file(dir_.path("split.csv"), split_text(data, split));
  EXPECT_EQ(read_split(dir_.path("split.csv"), data).fold, split.fold);
  // A person on two sides is refused all the same.
  Dataset known = films({{"a1", "a"}, {"a2", "a"}, {"b1", "b"}});
  apply("image,group\na1,1\nb1,1\n", &known);
  write_file(dir_.path("split.csv"), "image,fold\na1,train\na2,test\nb1,train\n");
  expect_error(Code::leak, {"patient(s) in more than one fold"},
               [&] { read_split(dir_.path("split.csv"), known); });
}

TEST_F(Groups, ASplitNamesTheGroupOrThePersonOfTheSource) {
  Dataset data = films({{"a1", "pa"}, {"a2", "pa"}, {"b1", "pb"}});
  apply("image,group\na1,1\nb1,1\n", &data);
  const std::string path = dir_.path("split.csv");
  write_file(path, "image,patient,fold\na1,pa,train\na2,group:pa,train\nb1,pb,train\n");
  EXPECT_EQ(read_split(path, data).fold.size(), 3u);
  write_file(path, "image,patient,fold\na1,pa,train\na2,pb,train\nb1,pb,train\n");
  expect_error(Code::data, {"patient of image 'a2' is 'pb'"}, [&] { read_split(path, data); });
}

TEST_F(Groups, AModelKnowsAFilmByItsGroupAndByItsPerson) {
  const Dataset plain = films({{"a", "pa"}, {"b", "pb"}, {"c", "pc"}});
  Dataset grouped = plain;
  apply("image,group\na,1\nb,1\n", &grouped);
  EXPECT_TRUE(leaks(grouped, 0, grouped, 1)) << "another film of the group";
  EXPECT_TRUE(leaks(grouped, 1, plain, 1)) << "trained with groups, tested without";
  EXPECT_TRUE(leaks(plain, 1, grouped, 1)) << "trained without, tested with";
  EXPECT_FALSE(leaks(grouped, 0, grouped, 2));
  EXPECT_FALSE(leaks(plain, 0, plain, 1));
  // A film has three names here, and is told of by one.
  const std::vector<Leak> found = find_leaks(grouped, {0, 1}, {trained_patients("model", grouped, {0})});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].patients, std::vector<std::string>{"group:pa"});
  // Models of before know nothing but this one.
  EXPECT_EQ(find_leaks(grouped, {1}, {{"old", {patient_hash("group:pa")}, {}, {}}}).size(), 1u);
}

// Of a group over two data sets each may have one film, which stays the person that it is.
TEST_F(Groups, AModelKnowsTheGroupsOfOtherDataSets) {
  Dataset trained = films({{"a1", "pa"}, {"a2", "pa"}, {"b", "pb"}, {"c", "pc"}});
  Dataset tested = films({{"x", "px"}, {"y", "py"}, {"z", "pz"}});
  for (Dataset* data : {&trained, &tested})
    apply("image,group\na1,1\nx.png,1\nb,2\nk,2\ny,3\nc,\nz,\n", data);
  EXPECT_EQ(tested.samples[0].patient_id, "px");
  EXPECT_TRUE(leaks(trained, 0, tested, 0));
  EXPECT_TRUE(leaks(tested, 0, trained, 0));
  EXPECT_TRUE(leaks(trained, 1, tested, 0)) << "another film of the person who has one in the group";
  EXPECT_FALSE(leaks(trained, 2, tested, 1)) << "another group";
  EXPECT_FALSE(leaks(trained, 2, tested, 0));
  EXPECT_FALSE(leaks(trained, 3, tested, 2)) << "no group is none";
  expect_error(Code::leak, {"model was trained on 1 of these patients: group:with a1 (expected"}, [&] {
    check_leaks(tested, {0, 1}, {trained_patients("model", trained, {0, 2, 3})});
  });
}

TEST_F(Groups, TheirNamesDoNotDependOnWhichFilmsAreThere) {
  using Keys = std::vector<std::string>;
  const std::string table = "image,group\nd,9\nS\\c.png,9\nb.dcm,9\ne,8\n";
  for (const char* film : {"b", "d"}) {
    Dataset data = films({{film, "p"}});
    apply(table, &data);
    EXPECT_EQ(data.samples[0].group_keys, Keys{"group:with S/c"}) << film;
  }
  Dataset data = films({{"d", "p"}, {"e", "p"}, {"f", "p"}, {"g", "q"}});
  apply(table, &data);
  for (size_t i = 0; i < 3; ++i)
    EXPECT_EQ(data.samples[i].group_keys, (Keys{"group:with S/c", "group:with e"})) << "united by a person";
  EXPECT_EQ(data.samples[3].group_keys, Keys());
}

TEST_F(Groups, TheirNamesAreNoPersonsAndNoNumbers) {
  Dataset persons = films({{"i1", "7"}, {"i2", "8"}}), film = films({{"7", "q"}}),
          other = films({{"07", "r"}});
  for (Dataset* data : {&persons, &film, &other})
    apply("image,group\ni1,1\ni2,1\n7,2\nk,2\n07,3\nm,3\n", data);
  EXPECT_EQ(persons.samples[0].patient_id, "group:7");
  EXPECT_FALSE(leaks(persons, 0, film, 0));
  EXPECT_FALSE(leaks(film, 0, other, 0));
}

// `cawe data duplicates --input A B` writes "A/im1" where both have an im1.
TEST_F(Groups, FilmsOfOneNameInTwoFolders) {
  Dataset a = films({{"im1", "p1"}, {"im2", "p2"}, {"im3", "p3"}});
  Dataset b = films({{"im1", "q1"}, {"im2", "q2"}, {"im3", "q3"}, {"im4", "q4"}});
  for (Sample& s : a.samples) s.source = "A";
  for (Sample& s : b.samples) s.source = "B";
  for (Dataset* data : {&a, &b})
    apply("image,group\nA/im1,1\nB/im2,1\nA/im2,2\nB/im1,2\nB/im3,3\nB/im4,3\n", data);
  EXPECT_TRUE(leaks(a, 0, b, 1));
  EXPECT_TRUE(leaks(a, 1, b, 0));
  EXPECT_FALSE(leaks(a, 0, b, 0));
  EXPECT_EQ(b.samples[2].patient_id, "group:q3");
  EXPECT_TRUE(a.samples[2].group_keys.empty()) << "im3 of A is in no group";
}

TEST(GroupsText, OnlyGroupsOfTwoAndMore) {
  EXPECT_EQ(groups_text({"d", "b", "c", "a"}, {0, 1, 1, 0}), "image,group\na,1\nd,1\nb,2\nc,2\n");
  EXPECT_EQ(groups_text({"a", "b"}, {0, 1}), "image,group\n");
}

}  // namespace
}  // namespace cawe::data
