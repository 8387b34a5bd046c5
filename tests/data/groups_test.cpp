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
  const auto leaks = [](const Dataset& trained, int64_t train, const Dataset& tested, int64_t test) {
    return !find_leaks(tested, {test}, {trained_patients("model", trained, {train})}).empty();
  };
  const Dataset plain = films({{"a", "pa"}, {"b", "pb"}, {"c", "pc"}});
  Dataset grouped = plain;
  apply("image,group\na,1\nb,1\n", &grouped);
  EXPECT_TRUE(leaks(grouped, 0, grouped, 1)) << "another film of the group";
  EXPECT_TRUE(leaks(grouped, 1, plain, 1)) << "trained with groups, tested without";
  EXPECT_TRUE(leaks(plain, 1, grouped, 1)) << "trained without, tested with";
  EXPECT_FALSE(leaks(grouped, 0, grouped, 2));
  EXPECT_FALSE(leaks(plain, 0, plain, 1));
}

TEST(GroupsText, OnlyGroupsOfTwoAndMore) {
  EXPECT_EQ(groups_text({"d", "b", "c", "a"}, {0, 1, 1, 0}), "image,group\na,1\nd,1\nb,2\nc,2\n");
  EXPECT_EQ(groups_text({"a", "b"}, {0, 1}), "image,group\n");
}

}  // namespace
}  // namespace cawe::data
