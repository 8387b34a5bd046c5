// SPDX-License-Identifier: Apache-2.0
// Label tables, as other programs write them, too.
#include "data/formats/annotations/label_csv.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

using cawe::testing::expect_error;
using cawe::testing::TempDir;

LabelCsvOptions table_options() {
  LabelCsvOptions options;
  options.csv = "pack/metadata.csv";
  options.images_dir = "pack/images";
  return options;
}

TEST(LabelCsv, LabelColumns) {
  LabelCsvOptions options = table_options();
  options.label_columns = {"mass", "nodule"};
  options.extension = ".png";
  options.patient_prefix = "nih:";
  const Dataset data =
      parse_label_csv("nodule,patient,mass,image\n0,7,1,a\n,7,0,b.png\n2,8,0,c\n1,,0,d\n", options);
  ASSERT_EQ(data.samples.size(), 2u);
  EXPECT_EQ(data.label_names, (std::vector<std::string>{"mass", "nodule"}));
  EXPECT_EQ(data.samples[0].labels, (std::vector<float>{1, 0}));
  EXPECT_TRUE(std::isnan(data.samples[1].labels[1])) << "empty is masked, never a silent 0";
  EXPECT_EQ(data.samples[0].patient_id, "nih:7");
  EXPECT_EQ(data.samples[0].path, "pack/images/a.png");
  EXPECT_EQ(data.samples[1].path, "pack/images/b.png");
  EXPECT_EQ(data.samples[0].source, "pack");
  ASSERT_EQ(data.rejected.size(), 2u);
  EXPECT_EQ(data.rejected[0].field, "nodule");
  EXPECT_EQ(data.rejected[1].field, "patient");
  EXPECT_EQ(data.counts.at("positive mass"), 1);
}

TEST(LabelCsv, AMissingColumnNamesThoseThatAreThereAndTheKey) {
  const char* text = "image,patient,Mass,Lump\na,1,1,0\n";
  LabelCsvOptions options = table_options();
  options.label_columns = {"nodule"};
  expect_error(Code::data,
               {"no column 'nodule'", "its columns are image, patient, Mass, Lump",
                "data.label_columns names them, [\"*\"] takes every column of 0 and 1"},
               [&] { parse_label_csv(text, options); });
  options = table_options();
  options.image_column = "file";
  expect_error(Code::data, {"no column 'file'", "data.image_column"},
               [&] { parse_label_csv(text, options); });
  options = table_options();
  options.patient_column = "person";
  expect_error(Code::data, {"no column 'person'", "data.patient_column"},
               [&] { parse_label_csv(text, options); });
  options = table_options();
  options.finding_column = "Finding";
  expect_error(Code::data, {"no column 'Finding'", "data.finding_column"},
               [&] { parse_label_csv(text, options); });
}

TEST(LabelCsv, FindingsThroughAMapWithoutSilentDefaults) {
  LabelCsvOptions options = table_options();
  options.finding_column = "finding";
  options.finding_separator = "|";
  options.findings = {{"Mass", "mass"}, {"Nodule", "nodule"}, {"No Finding", ""}, {"Lump", "mass"}};
  const char* text = "image,patient,finding\na.jpg,1,Mass|Nodule\nb.jpg,2,No Finding\nc.jpg,3,Lump\n";
  Dataset data = parse_label_csv(text, options);
  ASSERT_EQ(data.samples.size(), 3u);
  EXPECT_EQ(data.label_names, (std::vector<std::string>{"mass", "nodule"}));
  EXPECT_EQ(data.samples[0].labels, (std::vector<float>{1, 1}));
  EXPECT_EQ(data.samples[1].labels, (std::vector<float>{0, 0}));
  EXPECT_EQ(data.samples[2].labels, (std::vector<float>{1, 0}));
  options.findings = {{"Mass", "mass"}, {"No Finding", ""}};
  expect_error(Code::data, {"line 2", "'Nodule' is not in the map"}, [&] { parse_label_csv(text, options); });
  options.findings.push_back({"*", "other"});
  data = parse_label_csv(text, options);
  EXPECT_EQ(data.samples[0].labels, (std::vector<float>{1, 1}));
  EXPECT_EQ(data.samples[1].labels, (std::vector<float>{0, 0}));
  EXPECT_EQ(data.samples[2].labels, (std::vector<float>{0, 1}));
}

TEST(LabelCsv, ACellThatNamesNothingIsUnknownAndNotHealthy) {
  LabelCsvOptions options = table_options();
  options.finding_column = "finding";
  options.findings = {{"Pneumonia", "p"}, {"Mass", "m"}, {"*", ""}};
  const auto labels = [&](const std::string& cell) {
    return parse_label_csv("image,patient,finding\na.png,1," + cell + "\n", options).samples.at(0).labels;
  };
  const auto unknown = [&](const std::string& cell) {
    const std::vector<float> found = labels(cell);
    return std::isnan(found.at(0)) && std::isnan(found.at(1));
  };
  const std::vector<float> healthy{0, 0};
  for (const char* nothing : {"", " ", "NaN", "NA", "n/a", "null", "None"})
    EXPECT_TRUE(unknown(nothing)) << nothing;
  EXPECT_EQ(labels("Normal"), healthy);
  EXPECT_EQ(labels("Pneumonia"), (std::vector<float>{1, 0}));
  options.findings.push_back({"NA", ""});
  options.findings.push_back({"", "m"});
  EXPECT_EQ(labels("NA"), healthy) << "a rule names that very word";
  EXPECT_EQ(labels(""), (std::vector<float>{0, 1}));
  EXPECT_TRUE(unknown("NaN")) << "and no other";
  options.findings = {{"Pneumonia", "p"}, {"Mass", "m"}};
  EXPECT_TRUE(unknown("NaN")) << "also where other words are refused";
  options.finding_separator = "|";
  options.findings.push_back({"*", ""});
  EXPECT_EQ(labels("Pneumonia|"), (std::vector<float>{1, 0})) << "a part of a cell is no cell";
  EXPECT_TRUE(unknown(""));
}

// In tables where "None" or nothing means healthy, all negatives would be gone.
TEST(LabelCsv, FilmsWhoseFindingNamesNothingAreCounted) {
  LabelCsvOptions options = table_options();
  options.finding_column = "finding";
  options.findings = {{"Mass", "m"}, {"*", ""}};
  const char* text =
      "image,patient,finding\na.png,1,Mass\nb.png,,None\nc.png,3,None\nd.png,4,\ne.png,5,Scar\n";
  const auto warning = [](const char* films, const char* have) {
    return std::vector<std::string>{
        ::cawe::detail::concat("pack/metadata.csv: ", films, ") ", have,
                               " unknown labels; a rule for that word, "
                               "as \" = \" for an empty cell, makes them healthy")};
  };
  Dataset data = parse_label_csv(text, options);
  ASSERT_EQ(data.samples.size(), 4u) << "b is rejected: whose is it?";
  EXPECT_EQ(data.warnings, warning("2 films whose finding names nothing (first: line 4", "have"));
  options.findings.push_back({"None", ""});
  data = parse_label_csv(text, options);
  EXPECT_EQ(data.samples[1].labels, std::vector<float>{0});
  EXPECT_EQ(data.warnings, warning("1 film whose finding names nothing (first: line 5", "has"));
  options.findings.push_back({"", ""});
  data = parse_label_csv(text, options);
  EXPECT_EQ(data.samples[2].labels, std::vector<float>{0});
  EXPECT_TRUE(data.warnings.empty());
}

// In such a column -1 is hardly "uncertain", and every healthy film would be unknown.
TEST(LabelCsv, AColumnOfOneAndMinusOneIsRefused) {
  LabelCsvOptions options = table_options();
  const auto read = [&](const std::string& cells, const std::string& columns) {
    std::string text = "image,patient,mass,scar\n";
    for (size_t i = 0; i < cells.size(); ++i)
      text += std::string(1, char('a' + i)) + ".png," + std::to_string(i) + "," +
              (cells[i] == '-'   ? "-1"
               : cells[i] == ' ' ? ""
                                 : std::string(1, cells[i])) +
              "," + std::to_string(i % 2) + "\n";
    options.label_columns = {columns};
    return parse_label_csv(text, options);
  };
  for (const char* columns : {"mass", "*"})
    for (const char* cells : {"1--1", "-1", "1-x1-1111111"})
      if (columns[0] == 'm' || cells[2] != 'x')
        expect_error(
            Code::data,
            {"pack/metadata.csv: mass has cells 1 and -1 and none is 0 or empty: is -1 \"no\"? (expected 0 "
             "for no; -1 is uncertain)"},
            [&] { read(cells, columns); });
  EXPECT_TRUE(read("1111", "mass").warnings.empty());
  const std::string counted = "pack/metadata.csv: 2 labels are -1 (uncertain): unknown, as an empty cell";
  EXPECT_EQ(read("1-0-", "mass").warnings, std::vector<std::string>{counted});
  EXPECT_EQ(read("1--0", "*").warnings.at(1), counted);
  const std::string named = counted + "; no cell is 0 (no) in: mass";
  EXPECT_EQ(read("1-- ", "mass").warnings, std::vector<std::string>{named});
  EXPECT_EQ(read("1-- ", "*").warnings.at(1), named);
  EXPECT_EQ(read("--  ", "mass").warnings, std::vector<std::string>{named}) << "nothing is known of any film";
  EXPECT_EQ(read("1-- ", "scar").warnings.size(), 0u) << "another column";
}

TEST(LabelCsv, TwoRowsForOneImageAreAnError) {
  expect_error(Code::data, {"pack/metadata.csv: line 3", "'a' has a row already"},
               [] { parse_label_csv("image,patient\na.png,1\na.jpg,1\n", table_options()); });
}

TEST(LabelCsv, OneSpellingOfAPersonAndNobodysName) {
  LabelCsvOptions options = table_options();
  expect_error(Code::data, {"metadata.csv: line 3", "person '007' is '7' of pack/metadata.csv: line 2"},
               [&] { parse_label_csv("image,patient\na.png,7\nb.png,007\n", options); });
  const Dataset data = parse_label_csv("image,patient\na.png,7\nb.png,NaN\nc.png,null\nd.png,\n", options);
  ASSERT_EQ(data.samples.size(), 1u);
  ASSERT_EQ(data.rejected.size(), 3u);
  EXPECT_NE(data.rejected[0].reason.find("line 3: is 'NaN', which names nobody"), std::string::npos);
  EXPECT_NE(data.rejected[1].reason.find("line 4: is 'null', which names nobody"), std::string::npos);
  EXPECT_NE(data.rejected[2].reason.find("line 5: is empty"), std::string::npos);
  expect_error(Code::data, {"metadata.csv: line 3", "person '7.0' is '7' of pack/metadata.csv: line 2"},
               [&] { parse_label_csv("image,patient\na.png,7\nb.png,7.0\n", options); });
  expect_error(Code::data, {"metadata.csv: line 2: person '1.23457E+11'", "format the column as text"},
               [&] { parse_label_csv("image,patient\na.png,1.23457E+11\n", options); });
  options.patient_column = "image";  // every image stands for itself
  EXPECT_EQ(parse_label_csv("image\n7.png\n007.png\nnan.png\n", options).samples.size(), 3u);
}

TEST(LabelCsv, AnswersOfOtherToolsAndATableOfASpreadsheet) {
  LabelCsvOptions options = table_options();
  options.label_columns = {"mass", "nodule"};
  const Dataset data = parse_label_csv(
      "\xEF\xBB\xBF;image;patient;mass;nodule\r\n0;a.png;p 1;TRUE;no\r\n1;sub\\b.png;p2;1,0;NA\r\n;;;;\r\n",
      options);
  ASSERT_EQ(data.samples.size(), 2u);
  EXPECT_EQ(data.samples[0].labels, (std::vector<float>{1, 0}));
  EXPECT_EQ(data.samples[0].patient_id, "p 1");
  EXPECT_EQ(data.samples[0].where, "pack/metadata.csv: line 2");
  EXPECT_EQ(data.samples[1].image_id, "b");
  EXPECT_EQ(data.samples[1].path, "pack/images/sub/b.png");
  EXPECT_EQ(data.samples[1].labels[0], 1);
  EXPECT_TRUE(std::isnan(data.samples[1].labels[1]));
  const Dataset odd = parse_label_csv("image,patient,mass,nodule\na.png,1,none,0\n", options);
  EXPECT_EQ(odd.rejected[0].reason,
            "pack/metadata.csv: line 2: is 'none' (expected 1, 0, TRUE, FALSE, yes, no or nothing)");
}

TEST(LabelCsv, AStarFindsTheLabels) {
  LabelCsvOptions options = table_options();
  options.label_columns = {"*"};
  const auto labels = [&](const std::string& text) { return parse_label_csv(text, options).label_names; };
  using Names = std::vector<std::string>;
  EXPECT_EQ(labels("image,patient,sex,age,width,mass,Gender,nodule,Unnamed: 0,note\n"
                   "a.png,1,1,0,1,1,0,no,0,x\nb.png,1,0,1,1,0,1,,1,\n"),
            (Names{"mass", "nodule"}));
  EXPECT_EQ(labels("image,patient,mass,empty\na.png,1,0,\n"), Names{"mass"})
      << "nothing is known of the last one";
  std::string rows = "image,patient,mass,level\n";
  for (int i = 0; i < 20; ++i)
    rows += "a" + std::to_string(i) + ".png,1," + (i == 7 ? "x" : "1") + "," + std::to_string(i % 3) + "\n";
  expect_error(Code::data, {"metadata.csv: line 9", "mass is 'x'", "19 of 20", "data.label_columns"},
               [&] { labels(rows); });
  rows.replace(rows.find(",x,"), 3, ",0,");
  EXPECT_EQ(labels(rows), Names{"mass"}) << "0, 1 and 2 are levels, no answers";
  expect_error(Code::data, {"metadata.csv", "no column holds labels"},
               [&] { labels("image,patient\na.png,1\n"); });
}

// CheXpert's -1, a spreadsheet's WAHR and facts of the film, as columns of one table.
TEST(LabelCsv, AStarSaysWhatItTook) {
  LabelCsvOptions options = table_options();
  options.label_columns = {"*"};
  const Dataset data = parse_label_csv(
      "image;patient;sex;Pneumonia;Erguss;No Finding;PatientSex;study_no;Path;Image Index;note;empty;open\n"
      "a.png;1;F;1.0;WAHR;0;F;1;0;1;fine;;-1\nb.png;2;F;-1.0;FALSCH;1;F;1;0;1;;;-1\nc.png;3;M;;WAHR;0;F;1;0;"
      "1;x;;\n"
      "d.png;4;M;-1,0;FALSCH;0;F;1;0;1;;;\n",
      options);
  EXPECT_EQ(data.label_names, (std::vector<std::string>{"Pneumonia", "Erguss", "No Finding"}));
  ASSERT_EQ(data.samples.size(), 4u);
  EXPECT_EQ(data.samples[0].labels, (std::vector<float>{1, 1, 0}));
  for (const size_t i : {1, 2, 3}) EXPECT_TRUE(std::isnan(data.samples[i].labels[0])) << i;
  EXPECT_EQ(data.samples[1].labels[1], 0);
  EXPECT_EQ(
      data.warnings,
      (std::vector<std::string>{
          "pack/metadata.csv: taken as labels: Pneumonia, Erguss, No Finding; left out: PatientSex, "
          "study_no, "
          "Path, Image Index, note, empty, open (name the labels in data.label_columns if that is not right)",
          "pack/metadata.csv: 2 labels are -1 (uncertain): unknown, as an empty cell; no cell is 0 (no) in: "
          "Pneumonia"}));
  EXPECT_EQ(parse_label_csv("image,patient,mass\na.png,1,1\n", options).warnings,
            std::vector<std::string>{
                "pack/metadata.csv: taken as labels: mass; left out: nothing (name the labels in "
                "data.label_columns if that is not right)"});
  options.label_columns = {"mass"};
  EXPECT_TRUE(parse_label_csv("image,patient,mass\na.png,1,1\n", options).warnings.empty());
  const Dataset named = parse_label_csv("image,patient,mass\na.png,1,-1\nb.png,2,-2\n", options);
  ASSERT_EQ(named.samples.size(), 1u);
  EXPECT_TRUE(std::isnan(named.samples[0].labels[0]));
  EXPECT_EQ(named.rejected.size(), 1u) << "-2 is no answer";
}

TEST(LabelCsv, PathsInTheTable) {
  const TempDir dir;
  dir.file("images/p1/view1.png", "x");
  dir.file("images/p2/view1.png", "x");
  LabelCsvOptions options = table_options();
  options.images_dir = dir.path("images");
  options.root = dir.path();
  options.patient_column = "";
  const Dataset data = parse_label_csv("image\np1/view1.png\nimages/p2/view1.png\n", options);
  EXPECT_EQ(data.samples[0].image_id, "p1/view1");
  EXPECT_EQ(data.samples[1].image_id, "images/p2/view1");
  EXPECT_EQ(data.samples[1].patient_id, "images/p2/view1");
  EXPECT_EQ(data.samples[1].path, dir.path("images/p2/view1.png"));
  for (const char* out : {"../../x.png", "/abs/x.png"})
    expect_error(Code::data, {"metadata.csv: line 2: image", out, "outside"},
                 [&] { parse_label_csv(std::string("image\n") + out + "\n", options); });
  options.allow_outside = true;
  EXPECT_EQ(parse_label_csv("image\n/abs/x.png\n", options).samples[0].path, "/abs/x.png");
}

// A step that looks at all rows for each of them would take hours here, and the test's time limit ends it.
TEST(LabelCsv, ManyRows) {
  LabelCsvOptions options = table_options();
  options.label_columns = {"*"};
  std::string text = "image,patient,a,b,c\n";
  for (int i = 0; i < 300000; ++i)
    text += "film" + std::to_string(i) + ".png,p" + std::to_string(i / 3) + ",1,0,\n";
  const Dataset data = parse_label_csv(text, options);
  ASSERT_EQ(data.samples.size(), 300000u);
  EXPECT_EQ(data.samples.back().image_id, "film299999");
  EXPECT_EQ(data.samples.back().patient_id, "p99999");
}

}  // namespace
}  // namespace cawe::data
