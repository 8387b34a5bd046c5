// SPDX-License-Identifier: Apache-2.0
// A name of one list finds the film of another, or says that it could be several.
#include "data/film_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

using Films = std::vector<int64_t>;
using testing::expect_error;
using testing::TempDir;

FilmNames named(const std::vector<std::string>& names) {
  FilmNames films;
  for (size_t i = 0; i < names.size(); ++i) films.add(names[i], int64_t(i));
  return films;
}

TEST(FilmNames, TheSameNameComesFirst) {
  const FilmNames films = named({"a", "a.png", "p1/a", "p2/a"});
  EXPECT_EQ(films.find("a"), Films{0});
  EXPECT_EQ(films.find("a.png"), Films{1});
  EXPECT_EQ(films.find("p2/a"), Films{3});
  EXPECT_EQ(films.find("p2/a.dcm"), Films{3});
  EXPECT_EQ(films.find("a.dcm"), (Films{0, 1})) << "either may be meant";
  EXPECT_EQ(films.find("b"), Films{});
}

TEST(FilmNames, OnlyImageEndingsAreEndings) {
  const FilmNames films = named({"1.2.3", "1.2.4.dcm", "name.v2"});
  EXPECT_EQ(films.find("1.2.3.99"), Films{}) << "another film's UID";
  EXPECT_EQ(films.find("1.2.3.dcm"), Films{0});
  EXPECT_EQ(films.find("1.2.4"), Films{1});
  EXPECT_EQ(films.find("1.2"), Films{});
  EXPECT_EQ(films.find("name"), Films{});
  EXPECT_EQ(films.find("name.v2.PNG"), Films{2});
}

TEST(FilmNames, FoldersMayBeLeftOutWhereOneFilmFits) {
  const FilmNames films = named({"images/p1/a.png", "images/p2/a.png", "b", "p3/c"});
  EXPECT_EQ(films.find("p1/a"), Films{0});
  EXPECT_EQ(films.find("a"), (Films{0, 1}));
  EXPECT_EQ(films.find("p9/b.dcm"), Films{2});
  EXPECT_EQ(films.find("c"), Films{3});
  EXPECT_EQ(films.find("set\\p3\\c.png"), Films{3}) << "another system's path";
  EXPECT_EQ(films.find("./p3/c"), Films{3});
  EXPECT_EQ(films.find("p4/c"), Films{}) << "another folder is another film";
  EXPECT_EQ(films.find("1/a"), Films{}) << "whole folders only";
  EXPECT_EQ(named({"p1/v", "v"}).find("set/p1/v"), Films{0}) << "the longest";
  EXPECT_EQ(named({"x/p1/v", "v"}).find("p1/v"), (Films{0, 1}));
}

TEST(FilmClaims, TwoFilmsOfOneListAreNeverOneOfTheOther) {
  FilmClaims claims;
  EXPECT_EQ(claims.claim(0, "p1/a"), "");
  EXPECT_EQ(claims.claim(0, "p1/a"), "");
  EXPECT_EQ(claims.claim(0, "p1/a.dcm"), "") << "with and without its ending";
  EXPECT_EQ(claims.claim(0, "p2/a"), "p1/a.dcm");
  EXPECT_EQ(claims.claim(0, "a"), "p1/a.dcm");
  EXPECT_EQ(claims.claim(1, "b.dcm"), "");
  EXPECT_EQ(claims.claim(1, "b.png"), "b.dcm");
}

TEST(FilmNames, BlanksAroundANameTellOnlyFilmsApartThatAreWrittenSo) {
  EXPECT_EQ(named({"a "}).find("a "), Films{0});
  EXPECT_EQ(named({"a "}).find("a"), Films{0});
  EXPECT_EQ(named({"a"}).find(" a.png "), Films{0});
  EXPECT_EQ(named({"p1/a .png"}).find("a"), Films{0});
  EXPECT_EQ(named({"a", "a "}).find("a "), Films{1});
  EXPECT_EQ(named({"a", "a "}).find("a"), Films{0});
  EXPECT_EQ(named({"a", "a "}).find("a.png"), (Films{0, 1})) << "either may be meant";
  EXPECT_EQ(named({"a b"}).find("ab"), Films{}) << "inside it is another name";
}

TEST(FilmClaims, InAnyOrder) {
  // Whether one of the names is refused.
  const auto refused = [](std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    std::set<bool> answers;
    do {
      FilmClaims claims;
      bool any = false;
      for (const std::string& name : names) any = !claims.claim(0, name).empty() || any;
      answers.insert(any);
    } while (std::next_permutation(names.begin(), names.end()));
    EXPECT_EQ(answers.size(), 1u) << "it depends on the order: " << names[0];
    return *answers.begin();
  };
  EXPECT_TRUE(refused({"a", "a.dcm", "a.png"})) << "two films, also where a third name is between them";
  EXPECT_FALSE(refused({"a", "a.dcm", "a ", " a.DCM"}));
  EXPECT_TRUE(refused({"a", "p1/a"}));
  EXPECT_TRUE(refused({"p1/a", "p2/a", "p1/a.png"}));
}

TEST(PersonsFromTable, InAnyOrderOfRowsAndFilms) {
  const TempDir dir;
  std::vector<std::string> rows{"p1/a.png,A", "p2/a.png,B", "c ,C", "d,D"};
  std::sort(rows.begin(), rows.end());
  do {
    std::string text = "image,patient\n";
    for (const std::string& row : rows) text += row + "\n";
    const std::string table = dir.file("t.csv", text);
    EXPECT_EQ(persons_from_table(table, {"p2/a", "c ", "p1/a"}, {}, ""),
              (std::vector<std::string>{"B", "C", "A"}));
    EXPECT_EQ(persons_from_table(table, {"p1/a", "p2/a", "c"}, {}, ""),
              (std::vector<std::string>{"A", "B", "C"}));
    for (const std::vector<std::string>& films :
         {std::vector<std::string>{"d.dcm", "d", "d.png"}, {"d.png", "d", "d.dcm"}, {"d", "d.png", "d.dcm"}})
      expect_error(Code::data, {"row 'd'", "d.png", "d.dcm"},
                   [&] { persons_from_table(table, films, {}, ""); });
  } while (std::next_permutation(rows.begin(), rows.end()));
}

TEST(PersonsFromTable, OfSomeOfTheFilms) {
  const TempDir dir;
  const std::string table = dir.file("t.csv", "image,patient\np1/a,A\np2/a,B\nview1,C\n");
  const auto persons = [&](const std::vector<std::string>& films) {
    return persons_from_table(table, films, {}, "");
  };
  EXPECT_EQ(persons({"new", "p2/a.png", "newer"}), (std::vector<std::string>{"", "B", ""}));
  expect_error(Code::data, {"t.csv: names none of the 2 films", "'new'"}, [&] { persons({"new", "newer"}); });
  expect_error(Code::data, {"t.csv", "none of the 1 film ("}, [&] { persons({"new"}); });
  // What a table does say is looked at as closely as ever.
  expect_error(Code::data, {"'a' has two patients"}, [&] { persons({"new", "a"}); });
  expect_error(Code::data, {"'p1/view1' and 'p2/view1'"}, [&] { persons({"p1/view1", "new", "p2/view1"}); });
}

TEST(PersonsFromTable, RowsThatDifferByAnEndingAgree) {
  const TempDir dir;
  const auto persons = [&](const std::string& rows, const std::vector<std::string>& films) {
    return persons_from_table(dir.file("t.csv", "image,patient\n" + rows), films, {}, "");
  };
  for (const char* rows : {"a.dcm,A\na,B\n", "a,B\na.dcm,A\n"})
    expect_error(Code::data, {"'a' has two patients, 'B' (row 'a', ", "'A' (row 'a.dcm')"},
                 [&] { persons(rows, {"a"}); });
  EXPECT_EQ(persons("a.dcm,A\na,A\n", {"a"}), std::vector<std::string>{"A"});
  EXPECT_EQ(persons("a.dcm,A\na,B\n", {"a", "a.dcm"}), (std::vector<std::string>{"B", "A"})) << "two films";
}

TEST(PersonsFromTable, OneSpellingOfAPerson) {
  const TempDir dir;
  const auto persons = [&](const std::string& rows) {
    return persons_from_table(dir.file("t.csv", "image,patient\n" + rows), {"a"}, {}, "");
  };
  expect_error(Code::data, {"t.csv: line 3", "person '007' is '7' of ", "t.csv: line 2"},
               [&] { persons("a,7\nb,007\n"); });
  expect_error(Code::data, {"person 'nih:07' is 'nih:7'"}, [&] { persons("a,nih:7\nb,nih:07\n"); });
  EXPECT_EQ(persons("a,7\nb,8\nc,7\nd,70\n"), std::vector<std::string>{"7"});
  EXPECT_EQ(persons("a,7\n1,1\n001,001\n"), std::vector<std::string>{"7"})
      << "images that stand for themselves";
  for (const char* word : {"nan", "NaN", "NA", "n/a", "<NA>", "null", "None"})
    expect_error(Code::data, {"line 3: patient is '" + std::string(word) + "', which names nobody"},
                 [&] { persons("a,7\nb," + std::string(word) + "\n"); });
  expect_error(Code::data, {"line 2: patient is empty"}, [&] { persons("a,\n"); });
  EXPECT_EQ(persons("a,Nanette\nb,naN0\n"), std::vector<std::string>{"Nanette"});
}

TEST(PersonsFromTable, ByTheSameRules) {
  const TempDir dir;
  const std::string table =
      dir.file("t.csv", "image,patient\np1/a.png,A\np2/a.png,B\n1.2.3,C\n1.2.3,C\n7,D\nq1/d,E\nq2/d,E\n");
  const auto persons = [&](const std::vector<std::string>& films,
                           const std::vector<std::string>& numbers = {}) {
    return persons_from_table(table, films, numbers, "every film");
  };
  EXPECT_EQ(persons({"p2/a", "1.2.3.dcm", "p1/a"}), (std::vector<std::string>{"B", "C", "A"}));
  EXPECT_EQ(persons({"x.png"}, {"7"}), std::vector<std::string>{"D"});
  EXPECT_EQ(persons({"x.png", "y.png"}, {"7", "1.2.3"}), (std::vector<std::string>{"D", "C"}));
  for (const char* name : {"8.png", "p1/008", "p\\8"})
    expect_error(Code::data, {"no row for image '" + std::string(name) + "'", "every film"},
                 [&] { persons({name}, {"7"}); });
  const std::string named = dir.file("named.csv", "image,patient\n1.png,A\nq/2,B\n");
  for (const char* number : {"1", "2"})
    expect_error(Code::data, {"no row for image 'x.png'"},
                 [&] { persons_from_table(named, {"x.png"}, {number}, "every film"); });
  EXPECT_EQ(persons({"d"}), std::vector<std::string>{"E"}) << "either is the same person's";
  expect_error(Code::data, {"'a' has two patients, 'A'", "'B'", "t.csv: line 3"}, [&] { persons({"a"}); });
  expect_error(Code::data, {"no row for image '1.2.3.99'", "every film"}, [&] { persons({"1.2.3.99"}); });
  const std::string flat = dir.file("flat.csv", "image,patient\nview1,A\n");
  expect_error(Code::data, {"flat.csv: line 2", "'p1/view1' and 'p2/view1'"}, [&] {
    persons_from_table(flat, {"p1/view1", "p2/view1"}, {}, "every film");
  });
  expect_error(Code::data, {"has two patients"}, [&] {
    persons_from_table(dir.file("two.csv", "image,patient\na,1\na,2\n"), {"a"}, {}, "every film");
  });
}

}  // namespace
}  // namespace cawe::data
