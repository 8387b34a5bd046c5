// SPDX-License-Identifier: Apache-2.0
// Persons and films that trained a model are refused, by id and by pixels.
#include "data/leak.h"

#include <gtest/gtest.h>

#include "data/formats/table/persons.h"
#include "data/hash.h"
#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

using testing::expect_error;

Dataset films(const std::vector<std::vector<std::string>>& rows) {  // image, person, pixels
  Dataset data;
  for (const auto& row : rows) {
    Sample sample;
    sample.image_id = row[0];
    sample.patient_id = row[1];
    if (!row[2].empty()) sample.pixel_hash = sha256(row[2]);
    data.samples.push_back(sample);
  }
  return data;
}

TEST(Leak, TestPatientsOfAModelAreRefusedByName) {
  Dataset data;
  for (const char* id : {"00002361", "nih:0007", "tb1", "tb2"}) {
    Sample sample;
    sample.patient_id = id;
    data.samples.push_back(sample);
  }
  Dataset other = data;
  other.samples[0].patient_id = "2361";
  other.samples[1].patient_id = "nih:7";
  const TrainedPatients classifier = trained_patients("classifier runs/a", data, {0, 2});
  const TrainedPatients detector = trained_patients("detector runs/b", data, {1});
  EXPECT_EQ(check_leaks(other, {1, 3}, {classifier}), "");
  EXPECT_EQ(patient_hash(" 2361 "), patient_hash("2361")) << "blanks around an id are not part of it";
  expect_error(Code::leak,
               {"classifier runs/a was trained on 2 of these patients: 2361, tb1 (expected", "--allow-leak"},
               [&] {
                 check_leaks(other, {0, 2, 3}, {classifier, detector});
               });
  const std::string sentence = check_leaks(other, {0, 1}, {classifier, detector}, true);
  EXPECT_NE(sentence.find("detector runs/b was trained on 1 of these patients: nih:7"), std::string::npos);
}

TEST(Leak, AFilmThatTrainedIsRefusedByItsPixels) {
  const Dataset data = films({{"a", "tb1", "one"}, {"b", "tb2", "two"}, {"c", "tb3", ""}});
  const TrainedPatients classifier = trained_patients("classifier runs/a", data, {0, 2});
  const TrainedPatients detector = trained_patients("detector runs/b", data, {1});
  EXPECT_EQ(classifier.films, std::vector<std::string>{sha256("one")}) << "c was not read";
  const Dataset other = films({{"x", "x", "one"}, {"y", "y", "three"}, {"z", "z", ""}, {"w", "tb2", "two"}});
  EXPECT_EQ(check_leaks(other, {1, 2}, {classifier, detector}), "") << "no pixels are like no others";
  expect_error(Code::leak,
               {"classifier runs/a was trained on the pixels of 1 of these films: x (expected none"}, [&] {
                 check_leaks(other, {0, 1}, {detector, classifier});
               });
  const std::string sentence = check_leaks(other, {0, 3}, {classifier, detector}, true);
  EXPECT_NE(sentence.find("detector runs/b was trained on 1 of these patients: tb2"), sentence.npos);
  EXPECT_EQ(sentence.find("films: w"), sentence.npos) << "told by its person, once";
  // Which films those are, by person or by pixels, as places in the list that was asked about.
  const std::vector<Leak> leaks = find_leaks(other, {3, 1, 0}, {classifier, detector});
  ASSERT_EQ(leaks.size(), 2u);
  EXPECT_EQ(leaks[0].films, std::vector<int64_t>{2}) << "x by its pixels";
  EXPECT_EQ(leaks[1].films, std::vector<int64_t>{0}) << "w by its person and its pixels, once";
}

TEST(Leak, TwinsAcrossASplit) {
  Dataset data = films(
      {{"a", "p1", "one"}, {"b", "p2", "two"}, {"c", "p3", "one"}, {"d", "p4", "two"}, {"e", "p5", ""}});
  data.samples.push_back(data.samples[4]);
  for (Sample& s : data.samples) s.path = s.image_id + ".png";
  data.samples[2].where = "t.csv: line 4";
  expect_error(Code::leak,
               {"1 of 2 test films has the pixels", "c.png (t.csv: line 4, person p3) and a.png (person p1)",
                "--allow-leak"},
               [&] {
                 check_twins(data, {0, 4}, {2, 5});
               });
  expect_error(Code::leak, {"2 of 3 test films have", "c.png", "a.png", "…"}, [&] {
    check_twins(data, {0, 1}, {2, 3, 4});
  });
  EXPECT_EQ(check_twins(data, {0, 1, 2, 3}, {4}), "") << "twice within one fold";
  EXPECT_EQ(check_twins(data, {4}, {5}), "") << "pixels that are not known are not one film's";
  EXPECT_EQ(check_twins(data, {0, 1}, {0}), "") << "itself";
  EXPECT_NE(check_twins(data, {0}, {2}, true).find("1 of 1 test film has"), std::string::npos);
}

// Two images that stand for themselves are two, whatever zeros their names begin with; a person and an image are not.
TEST(Leak, APersonHasOneSpelling) {
  PersonSpellings images, persons, mixed, turned;
  images.add("7", "a", true);
  images.add("007", "b", true);
  persons.add("7", "a");
  persons.add("7", "b");
  expect_error(Code::data, {"b: person '007' is '7' of a"}, [&] { persons.add("007", "b"); });
  mixed.add("7", "a", true);
  expect_error(Code::data, {"b: person '007' is '7' of a"}, [&] { mixed.add("007", "b"); });
  turned.add("7", "a");
  expect_error(Code::data, {"b: person '007' is '7' of a"}, [&] { turned.add("007", "b", true); });
}

// pandas writes 7 as 7.0 once a cell of its column is empty.
TEST(Leak, ANumberWithAZeroBehindIsTheSamePerson) {
  for (const char* same : {"7", "7.0", "7.00", "7,0", "007.0", " 7.0 "})
    EXPECT_EQ(plain_person(same), "7") << same;
  EXPECT_EQ(plain_person("nih:7.0"), "nih:7");
  EXPECT_EQ(plain_person("0.0"), "0");
  for (const char* other : {"7.5", "7.000", "7.", ".0", "a7.0", "1.2.0", "nih:.0", "7.0.0", "7.01"})
    EXPECT_EQ(plain_person(other), other);
  EXPECT_EQ(patient_hash("7.0"), patient_hash("007"));
  PersonSpellings persons;
  persons.add("nih:7", "a");
  expect_error(Code::data, {"b: person 'nih:7.0' is 'nih:7' of a"}, [&] { persons.add("nih:7.0", "b"); });
}

TEST(Leak, ManifestsOfBeforeThatStillTell) {
  const TrainedPatients old =
      parse_manifest("old", sha256("7.0") + "\n" + sha256("nih:8.0") + "\n" + sha256("1.2.0"));
  const Dataset data =
      films({{"a", "7", ""}, {"b", "nih:008", ""}, {"c", "7.0", ""}, {"d", "1.2", ""}, {"e", "70", ""}});
  const std::vector<Leak> leaks = find_leaks(data, {0, 1, 2, 3, 4}, {old});
  ASSERT_EQ(leaks.size(), 1u);
  EXPECT_EQ(leaks[0].patients, (std::vector<std::string>{"7", "7.0", "nih:008"}));
}

TEST(Leak, IdsThatASpreadsheetShortenedAreRefused) {
  for (const char* id : {"1.23457E+11", "1,23E+11", "1E+15", "1.23457e+11", "nih:1.2E+11"}) {
    PersonSpellings persons;
    expect_error(Code::data,
                 {std::string("t.csv: line 2: person '") + id + "' is a number that a spreadsheet shortened",
                  "format the column as text"},
                 [&] { persons.add(id, "t.csv: line 2"); });
    persons.add(id, "t.csv: line 2", true);  // an image's name
  }
  PersonSpellings persons;
  for (const char* id : {"1E11", "E+11", "1.2E+", "a1E+11", "1.2.3E+11", "1E+1a", "site+5"})
    persons.add(id, "t.csv");
}

TEST(Leak, ManifestRoundTrip) {
  const Dataset data = films({{"a", "p1", "one"}, {"b", "p1", "two"}, {"c", "p2", ""}, {"d", "p3", "one"}});
  const TrainedPatients trained = trained_patients("m", data, {0, 1, 2, 3});
  EXPECT_EQ(trained.hashes.size(), 3u);
  EXPECT_EQ(trained.films.size(), 2u);
  const TrainedPatients read = parse_manifest("m", manifest_text(trained));
  EXPECT_EQ(read.hashes, trained.hashes);
  EXPECT_EQ(read.films, trained.films);
  // Manifests of a chain are joined as text, in any order.
  const TrainedPatients other = trained_patients("n", films({{"e", "p9", "nine"}}), {0});
  const TrainedPatients both = parse_manifest("both", manifest_text(trained) + manifest_text(other));
  EXPECT_EQ(both.hashes.size(), 4u);
  EXPECT_EQ(both.films.size(), 3u);
  // Those of older models have patients only.
  EXPECT_TRUE(parse_manifest("old", patient_hash("p1") + "\n").films.empty());
  for (const char* bad : {"abc\n", "film:abc\n", "movie:", "film:"})
    expect_error(Code::data, {"damaged"}, [&] { parse_manifest("m", bad); });
}

}  // namespace
}  // namespace cawe::data
