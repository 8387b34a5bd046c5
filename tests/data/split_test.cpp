// SPDX-License-Identifier: Apache-2.0
// Splits by patient, their files and hashes.
#include "data/split.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "data/hash.h"
#include "tensor/io/files.h"
#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

using cawe::testing::expect_error;
using cawe::testing::TempDir;

/// 100 patients, patient p with 1 + p % 3 images, every fourth patient with a box.
Dataset patients() {
  Dataset data;
  for (int p = 0; p < 100; ++p)
    for (int i = 0; i <= p % 3; ++i) {
      Sample sample;
      sample.patient_id = "p" + std::to_string(p);
      sample.image_id = sample.patient_id + "_" + std::to_string(i);
      sample.path = sample.image_id + ".png";
      if (p % 4 == 0) sample.boxes = {{0, 0, 1, 1}};
      data.samples.push_back(sample);
    }
  return data;
}

std::map<std::string, std::set<std::string>> people(const Dataset& data, const Split& split) {
  std::map<std::string, std::set<std::string>> by_fold;
  for (size_t i = 0; i < data.samples.size(); ++i) by_fold[split.fold[i]].insert(data.samples[i].patient_id);
  return by_fold;
}

TEST(Sha256, KnownVectors) {  // FIPS 180-2, B.1 and the empty message
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Split, PatientsStayTogetherAndStrataKeepTheirShares) {
  const Dataset data = patients();
  const Split split = split_by_patient(data, {});
  check_patients_apart(data, split);
  auto by_fold = people(data, split);
  EXPECT_EQ(by_fold["test"].size(), 20u);
  EXPECT_EQ(by_fold["val"].size(), 8u);
  EXPECT_EQ(by_fold["train"].size(), 72u);
  int boxed = 0;
  for (const std::string& id : by_fold["test"]) boxed += std::stoi(id.substr(1)) % 4 == 0;
  EXPECT_EQ(boxed, 5) << "a fifth of 25 patients with a box";
}

/// `n` persons with one image each, the first `boxed` of them with a box.
Dataset persons(int n, int boxed) {
  Dataset data;
  for (int p = 0; p < n; ++p) {
    Sample sample;
    sample.image_id = sample.patient_id = "p" + std::to_string(p);
    if (p < boxed) sample.boxes = {{0, 0, 1, 1}};
    data.samples.push_back(sample);
  }
  return data;
}

TEST(Split, FewPersonsWithALesionReachEveryFold) {
  const auto boxed_in = [](int boxed, double test, double val) {
    SplitOptions options;
    options.test = test;
    options.val = val;
    const Dataset data = persons(40, boxed);
    const Split split = split_by_patient(data, options);
    std::map<std::string, int> count;
    for (size_t i = 0; i < 40; ++i) count[split.fold[i]] += !data.samples[i].boxes.empty();
    return std::vector<int>{count["train"], count["val"], count["test"]};
  };
  using Counts = std::vector<int>;
  EXPECT_EQ(boxed_in(5, 0.2, 0.1), (Counts{3, 1, 1})) << "5 x 0.2 = 1; of 4 x 0.1 nothing would be left";
  EXPECT_EQ(boxed_in(3, 0.1, 0.1), (Counts{1, 1, 1}));
  EXPECT_EQ(boxed_in(2, 0.1, 0.1), (Counts{1, 0, 1}));
  EXPECT_EQ(boxed_in(1, 0.5, 0.5), (Counts{1, 0, 0})) << "training comes first";
  EXPECT_EQ(boxed_in(2, 0.5, 0.5), (Counts{1, 0, 1}));
  EXPECT_EQ(boxed_in(5, 0, 0), (Counts{5, 0, 0}));
  EXPECT_EQ(boxed_in(5, 1, 0), (Counts{0, 0, 5}));
  EXPECT_EQ(boxed_in(25, 0.2, 0.1), (Counts{18, 2, 5})) << "enough of them: the rounded shares";
}

TEST(Split, MoreFoldsThanPersons) {
  expect_error(Code::usage, {"5 folds of 4 images"}, [] { split_k_folds(persons(4, 1), 5, {}); });
}

TEST(Split, FileNamesImagesAsTablesDo) {
  const TempDir dir;
  Dataset data = persons(3, 0);
  data.samples[1].image_id = "q/1.2.3.99";
  const std::string rows = "image;fold\r\np0.PNG;train\r\nq\\1.2.3.99.dcm; val \r\np2;test\r\n";
  EXPECT_EQ(read_split(dir.file("s.csv", rows), data).fold,
            (std::vector<std::string>{"train", "val", "test"}));
  expect_error(Code::data, {"t.csv: line 2", "row 'p0.png' could be 'p0', and so could row 'p0.dcm'"},
               [&] { read_split(dir.file("t.csv", "image,fold\np0.png,train\np0.dcm,test\n"), data); });
}

TEST(Split, EveryStratumIsSplitAtTheSameShares) {
  // 7 of 40 patients have a box. Test: round(7 .2) = 1 and round(33 .2) = 7; val: round(6 .1) = 1, round(26 .1) = 3.
  // Whatever the seed, which a single shuffle of all 40 would not give.
  Dataset data;
  for (int p = 0; p < 40; ++p) {
    Sample sample;
    sample.patient_id = sample.image_id = "p" + std::to_string(p);
    if (p % 6 == 0) sample.boxes = {{0, 0, 1, 1}};
    data.samples.push_back(sample);
  }
  const auto boxed_of = [&](const Split& split, const std::string& fold) {
    int boxed = 0;
    for (const int64_t i : split.indices(fold)) boxed += !data.samples[size_t(i)].boxes.empty();
    return boxed;
  };
  std::set<int> without;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    SplitOptions options;
    options.seed = seed;
    Split split = split_by_patient(data, options);
    EXPECT_EQ(split.indices("test").size(), 8u);
    EXPECT_EQ(split.indices("val").size(), 4u);
    EXPECT_EQ(boxed_of(split, "test"), 1) << seed;
    EXPECT_EQ(boxed_of(split, "val"), 1) << seed;
    // 7 over 4 folds: 2, 2, 2, 1, and the 33 others go on from there: 10 in each.
    split = split_k_folds(data, 4, options);
    for (const std::string fold : {"0", "1", "2", "3"}) {
      EXPECT_EQ(split.indices(fold).size(), 10u);
      EXPECT_EQ(boxed_of(split, fold), fold == "3" ? 1 : 2);
    }
    options.stratify = false;
    split = split_by_patient(data, options);
    EXPECT_EQ(split.indices("test").size(), 8u);
    EXPECT_EQ(split.indices("val").size(), 3u) << "round(32 .1)";
    without.insert(boxed_of(split, "test"));
  }
  EXPECT_GT(without.size(), 2u) << "unstratified folds differ";
}

TEST(Split, OneImageWithABoxMakesAPersonBoxed) {
  // 40 persons with three images each; of 12 persons one image has a box, whichever of the three.
  // Test: round(12 .2) = 2; val: round(10 .1) = 1.
  Dataset data;
  for (int p = 0; p < 40; ++p)
    for (int i = 0; i < 3; ++i) {
      Sample sample;
      sample.patient_id = "p" + std::to_string(p);
      sample.image_id = sample.patient_id + "_" + std::to_string(i);
      if (p < 12 && p % 3 == i) sample.boxes = {{0, 0, 1, 1}};
      data.samples.push_back(sample);
    }
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SplitOptions options;
    options.seed = seed;
    std::map<std::string, int> boxed;
    for (const auto& [fold, ids] : people(data, split_by_patient(data, options)))
      for (const std::string& id : ids) boxed[fold] += std::stoi(id.substr(1)) < 12;
    EXPECT_EQ(boxed["test"], 2) << seed;
    EXPECT_EQ(boxed["val"], 1) << seed;
  }
}

TEST(Split, SeedDecidesAndOrderOfFilesDoesNot) {
  Dataset data = patients();
  const std::string first = split_text(data, split_by_patient(data, {}));
  SplitOptions other;
  other.seed = 7;
  EXPECT_NE(split_text(data, split_by_patient(data, other)), first);
  std::reverse(data.samples.begin(), data.samples.end());
  EXPECT_EQ(split_text(data, split_by_patient(data, {})), first);
}

TEST(Split, RefusesWithoutPersons) {
  Dataset data = patients();
  data.patients_known = false;
  expect_error(Code::data, {"names images but not persons", "data.split_unit = \"image\""},
               [&] { split_by_patient(data, {}); });
  SplitOptions options;
  options.unit = SplitUnit::image;
  EXPECT_EQ(split_by_patient(data, options).indices("test").size(), 40u);
}

TEST(Split, KFoldsCoverEveryoneOnce) {
  const Dataset data = patients();
  const Split split = split_k_folds(data, 5, {});
  check_patients_apart(data, split);
  const auto by_fold = people(data, split);
  ASSERT_EQ(by_fold.size(), 5u);
  for (const auto& [fold, ids] : by_fold) {
    EXPECT_EQ(ids.size(), 20u) << fold;
    int boxed = 0;
    for (const std::string& id : ids) boxed += std::stoi(id.substr(1)) % 4 == 0;
    EXPECT_EQ(boxed, 5) << fold;
  }
}

TEST(Split, ByHashOfTheFileName) {
  Dataset data;
  for (const char* name : {"a", "b", "c"}) {
    Sample sample;
    sample.image_id = sample.patient_id = name;
    sample.path = std::string("x/") + name;
    data.samples.push_back(sample);
  }
  // sha256: a ca97…, b 3e23…, c 2e7d…
  EXPECT_EQ(split_by_name_hash(data, 1).fold, (std::vector<std::string>{"test", "test", "train"}));
  EXPECT_EQ(split_by_name_hash(data, 2).fold, (std::vector<std::string>{"test", "train", "train"}));
  data.samples[2].patient_id = "b";
  expect_error(Code::leak, {"1 patient(s)", "b"}, [&] { split_by_name_hash(data, 1); });
}

TEST(Split, FileRoundTrip) {
  const TempDir dir;
  const Dataset data = patients();
  const Split split = split_by_patient(data, {});
  const std::string path = dir.path("split.csv");
  write_file(path, split_text(data, split));
  EXPECT_EQ(read_split(path, data).fold, split.fold);
  expect_error(Code::data, {"short.csv", "no row for image 'p0_0'"},
               [&] { read_split(dir.file("short.csv", "image,patient,fold\n"), data); });
  Dataset uids;
  uids.samples.resize(2);
  uids.samples[0].image_id = "1.2.3";
  uids.samples[1].image_id = "1.2.3.99";
  uids.patients_known = false;
  const auto folds = [&](const std::string& rows) {
    return read_split(dir.file("uids.csv", "image,patient,fold\n" + rows), uids).fold;
  };
  EXPECT_EQ(folds("1.2.3.99,,test\n1.2.3.dcm,,train\n"), (std::vector<std::string>{"train", "test"}));
  expect_error(Code::data, {"no row for image '1.2.3'"}, [&] { folds("1.2.3.99,,test\n1.2.4,,train\n"); });
  expect_error(Code::data, {"line 2", "'p1/1.2.3'", "'p2/1.2.3'"},
               [&] { folds("p1/1.2.3,,test\np2/1.2.3,,train\n1.2.3.99,,test\n"); });
  std::string torn = split_text(data, split);
  const size_t at = torn.find("\np1_0,p1,") + 9;
  torn.replace(at, torn.find('\n', at) - at, "elsewhere");
  expect_error(Code::leak, {"p1"}, [&] { read_split(dir.file("torn.csv", torn), data); });
}

TEST(Split, ARowNamesThePersonOfTheData) {
  const TempDir dir;
  Dataset data = persons(2, 0);
  data.samples[0].patient_id = "nih:0012";
  data.samples[1].patient_id = "q";
  const auto folds = [&](const std::string& first, const std::string& prefix = "") {
    const std::string rows = "image,patient,fold\np1,q,test\np0.png," + first + ",train\n";
    return read_split(dir.file("s.csv", rows), data, prefix).fold;
  };
  for (const char* same : {"nih:0012", "nih:12", " nih:0012 ", "", "NA", "none", "p0.png", "p0"})
    EXPECT_EQ(folds(same), (std::vector<std::string>{"train", "test"})) << same;
  EXPECT_EQ(folds("12", "nih:").size(), 2u) << "as the table writes it";
  for (const char* other : {"12", "nih:13", "q"})
    expect_error(Code::data,
                 {"s.csv: line 3", "patient of image 'p0.png' is '" + std::string(other) + "'", "'nih:0012'"},
                 [&] { folds(other); });
  // In a group the film keeps its person; what a group was called depended on the films that were there.
  data.samples[0].source_patient = "nih:0012";
  data.samples[0].patient_id = "group:nih:0007";
  for (const char* same : {"12", "nih:12", "group:nih:0007", "group:nih:0003"})
    EXPECT_EQ(folds(same, "nih:").size(), 2u) << same;
  for (const char* other : {"7", "nih:7"})
    expect_error(Code::data, {"s.csv: line 3", "'" + std::string(other) + "', but 'nih:0012' in the data"},
                 [&] { folds(other, "nih:"); });
  data.samples[0].source_patient.clear();
  data.samples[0].patient_id = "p0";
  EXPECT_EQ(folds("somebody").size(), 2u) << "the data name an image, and nobody";
}

// Films of several folders have their folder's name before their persons' (apps/film_tables.cpp).
TEST(Split, ARowNamesThePersonOfASource) {
  const TempDir dir;
  Dataset data = persons(2, 0);
  for (Sample& s : data.samples) s.source = "B";
  data.samples[0].patient_id = "B:0091";
  data.samples[1].patient_id = "B:92";
  const auto folds = [&](const std::string& first) {
    const std::string rows = "image,patient,fold\np1,92,test\np0," + first + ",train\n";
    return read_split(dir.file("s.csv", rows), data).fold;
  };
  for (const char* same : {"91", "0091", "91.0", "B:91", "group:91"})
    EXPECT_EQ(folds(same), (std::vector<std::string>{"train", "test"})) << same;
  for (const char* other : {"92", "A:91", "B:92"})
    expect_error(Code::data,
                 {"patient of image 'p0' is '" + std::string(other) + "', but 'B:0091' in the data"},
                 [&] { folds(other); });
}

// "p0" hides "p0.dcm", but what both say of one film must agree.
TEST(Split, RowsThatDifferByAnEndingAgree) {
  const TempDir dir;
  Dataset data = persons(1, 1);
  data.samples[0].image_id = "p0";
  const auto folds = [&](const std::string& rows) {
    return read_split(dir.file("s.csv", "image,patient,fold\n" + rows), data).fold;
  };
  for (const char* rows : {"p0.dcm,1,train\np0,1,test\n", "p0,1,test\np0.dcm,1,train\n"})
    expect_error(Code::data, {"'p0' is in two folds, 'test' (row 'p0', ", "'train' (row 'p0.dcm')"},
                 [&] { folds(rows); });
  EXPECT_EQ(folds("p0.dcm,1,train\np0,1,train\n"), std::vector<std::string>{"train"});
  data.samples.push_back(data.samples[0]);
  data.samples[1].image_id = "p0.dcm";  // of the file p0.dcm.png
  data.patients_known = false;
  EXPECT_EQ(folds("p0.dcm,1,train\np0,1,test\n"), (std::vector<std::string>{"test", "train"}));
}

// A folder's films are called as their files are, blanks and all.
TEST(Split, ReadsBackWhatItWrote) {
  const TempDir dir;
  Dataset data;
  data.patients_known = false;
  for (const char* id : {"a", "a ", " b", "=c", "d,\"e\"", "p/f "}) {
    Sample sample;
    sample.image_id = sample.patient_id = id;
    data.samples.push_back(sample);
  }
  const Split split{{"train", "test", "val", "test", "train", "test"}};
  write_file(dir.path("s.csv"), split_text(data, split));
  EXPECT_EQ(read_split(dir.path("s.csv"), data).fold, split.fold);
  data.samples.erase(data.samples.begin());
  EXPECT_EQ(read_split(dir.path("s.csv"), data).fold[0], "test");
}

}  // namespace
}  // namespace cawe::data
