// SPDX-License-Identifier: Apache-2.0
// The strict CSV reader: what it takes, what it refuses, and the line it names.
#include <gtest/gtest.h>

#include <cmath>

#include "data/formats/table/csv.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

using cawe::testing::expect_error;
using cawe::testing::TempDir;

CsvTable parse(std::string_view text) { return CsvTable::parse(text, "t.csv"); }
void refuses(std::string_view text, const std::vector<std::string>& parts) {
  expect_error(Code::data, parts, [&] { parse(text); });
}

TEST(Csv, TakesBomCrlfQuotesAndAMissingNewlineAtTheEnd) {
  const CsvTable table = parse(
      "\xEF\xBB\xBF"
      "a,b\r\n\"x, \"\"y\"\"\",2\r\n\"two\nlines\",\r\n,4");
  ASSERT_EQ(table.rows(), 3u);
  EXPECT_EQ(table.header(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(table.at(0, 0), "x, \"y\"");
  EXPECT_EQ(table.at(1, 0), "two\nlines");
  EXPECT_EQ(table.at(1, 1), "");
  EXPECT_EQ(table.at(2, 1), "4");
  EXPECT_EQ(table.where(2), "t.csv: line 5") << "a line break inside quotes counts";
}

TEST(Csv, BlankLinesOnlyAtTheEnd) {
  EXPECT_EQ(parse("a,b\n1,2\n\n\n").rows(), 1u);
  EXPECT_EQ(parse("a,b\n1,2\n,\n , \n").rows(), 1u) << "empty rows of a spreadsheet";
  refuses("a,b\n1,2\n\n3,4\n", {"t.csv: line 3", "blank"});
  refuses("a,b\n1,2\n,\n3,4\n", {"t.csv: line 3", "blank"});
}

TEST(Csv, RefusesWithTheLine) {
  refuses("", {"empty"});
  refuses("a,b\n1,2,3\n", {"line 2", "3 fields", "expected 2"});
  refuses("a,b\n1\n", {"line 2", "1 fields"});
  refuses("a,b\n1,x\"y\n", {"line 2", "quote inside"});
  refuses("a,b\n1,\"x\"y\n", {"line 2", "after a closing quote"});
  refuses("a,b\n1,2\n3,\"x\n\n\n", {"line 3", "never ends"});
  refuses("a,b\r1,2\r", {"line 1", "carriage return"});
  refuses(std::string_view("a,b\n1,\0\n", 8), {"line 2", "NUL"});
  refuses("a,a\n1,2\n", {"line 1", "'a' appears twice"});
  refuses("a,\n1,2\n", {"line 2", "'2' stands in column 2", "line 1", "without a name"});
  refuses("a,,b\n1,2,3\n", {"line 1", "column 2 is without a name"});
  refuses(",,b\n1,2,3\n", {"line 1", "column 2 is without a name"});
  refuses(",\n1,2\n", {"line 1", "without a name"});
  refuses("a, a \n1,2\n", {"line 1", "'a' appears twice", "columns 1 and 2"});
}

TEST(Csv, ColumnsByNameWithTheNearestOne) {
  const CsvTable table = parse("patientId,Target\nx,1\n");
  EXPECT_EQ(table.column("Target"), 1u);
  EXPECT_FALSE(table.has_column("target"));
  expect_error(Code::data, {"t.csv", "no column 'patientID'", "did you mean 'patientId'"},
               [&] { table.column("patientID"); });
  const auto said = [](const char* text, const std::string& name, const std::string& what_to_do = "") {
    const CsvTable other = parse(text);
    try {
      other.column(name, what_to_do);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(said("patientId,Target\nx,1\n", "patientID", "Do that"),
            "t.csv: has no column 'patientID' (did you mean 'patientId'? its columns are patientId, Target). "
            "Do that");
  EXPECT_EQ(said("x\n1\n", "sensitivity"), "t.csv: has no column 'sensitivity' (its only column is x)");
  EXPECT_EQ(said("a,b,c,d,e,f,g,h,i,j,k,l\n1,2,3,4,5,6,7,8,9,0,1,2\n", "sensitivity"),
            "t.csv: has no column 'sensitivity' (its columns are a, b, c, d, e, f, g, h, i, j and 2 more)");
}

TEST(Csv, NumbersFillTheWholeCellAndAreFinite) {
  const CsvTable table = parse("v\n1.5\n-2e3\n+4\n 1 \n1x\nnan\ninf\n1e999\n0x10\n");
  EXPECT_EQ(table.number(0, 0), 1.5);
  EXPECT_EQ(table.number(1, 0), -2000);
  EXPECT_EQ(table.number(2, 0), 4);
  EXPECT_EQ(table.number(3, 0), 1) << "as pandas";
  for (size_t row = 4; row < table.rows(); ++row)
    expect_error(Code::data, {table.where(row), "expected a number"}, [&] { table.number(row, 0); });
}

// The names and cells that pandas 2 reads from the same text; it calls the nameless last one "Unnamed: 11".
TEST(Csv, NihsTableWithCommasInItsNamesAndOneAtTheEnd) {
  const std::string header =
      "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
      "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n";
  const std::string rows =
      "00000001_000.png,Cardiomegaly,0,1,058Y,M,PA,2682,2749,0.143,0.143,\n"
      "00000001_001.png,Cardiomegaly|Emphysema,1,1,058Y,M,PA,2894,2729,0.143,0.143,\n";
  const CsvTable table = parse(header + rows);
  ASSERT_EQ(table.header().size(), 11u);
  EXPECT_EQ(table.header()[7], "OriginalImage[Width");
  EXPECT_EQ(table.header()[10], "y]");
  EXPECT_EQ(table.at(1, table.column("Finding Labels")), "Cardiomegaly|Emphysema");
  EXPECT_EQ(table.number(1, table.column("Height]")), 2729);
  EXPECT_EQ(parse(header + "a,b,c,d,e,f,g,1,2,3,4\n").number(0, 10), 4)
      << "rows may leave the last comma out";
  refuses(header + "a,b,c,d,e,f,g,1,2,3,4,5\n", {"line 2", "'5' stands in column 12"});
  refuses(header + "a,b,c,d,e,f,g,1,2,3\n", {"line 2", "10 fields"});
}

TEST(Csv, ARowNumberInFrontIsLeftOut) {
  const CsvTable table = parse(",image,l\n0,a.png,1\n1,b.png,0\n");
  EXPECT_EQ(table.header(), (std::vector<std::string>{"image", "l"}));
  EXPECT_EQ(table.at(1, 0), "b.png");
  EXPECT_EQ(table.number(1, 1), 0);
  refuses("image,l\n0,a.png,1\n", {"line 2", "3 fields"});  // R's form: nothing says which name is whose
}

TEST(Csv, SemicolonsAndTabsFromTheHeader) {
  for (const char* text : {"a;b\n1,5;x,y\n", "a\tb\n1,5\tx,y\n", "sep=;\r\na;b\r\n1,5;x,y\r\n"}) {
    const CsvTable table = parse(text);
    EXPECT_EQ(table.header(), (std::vector<std::string>{"a", "b"})) << text;
    EXPECT_EQ(table.number(0, 0), 1.5) << text;
    EXPECT_EQ(table.at(0, 1), "x,y") << text;
  }
  EXPECT_EQ(parse("sep=;\na;b\n1;2\n").where(0), "t.csv: line 3");
  EXPECT_EQ(parse("\"a;b\",c\n1,2\n").header()[0], "a;b") << "inside quotes nothing divides";
  // One delimiter cuts the first row as it cuts the header; else nobody knows.
  EXPECT_EQ(parse("image;Size[w,h]\na.png;12\n").header()[1], "Size[w,h]");
  EXPECT_EQ(parse("image,a;b\na.png,1\n").header()[1], "a;b");
  refuses("a,b;c\n1,2;3\n", {"line 1", "a comma and a semicolon", "quotes"});
  refuses("a,b\tc\n", {"line 1", "a comma and a tab"});
  refuses("a;b\n1;2;3\n", {"line 2", "3 fields", "with a semicolon between them"});
}

TEST(Csv, DecimalCommasOnlyWhereTheyAreSurely) {
  const auto number = [](const std::string& text, size_t row) { return parse(text).number(row, 0); };
  EXPECT_EQ(number("v;w\n-12,25;1\n1,250;1\n7;1\n", 0), -12.25);
  EXPECT_EQ(number("v;w\n-12,25;1\n1,250;1\n7;1\n", 1), 1.25) << "another cell shows what a comma is";
  EXPECT_EQ(number("v;w\n-12,25;1\n1,250;1\n7;1\n", 2), 7);
  EXPECT_EQ(number("v;w\n0,125;1\n", 0), 0.125);
  const auto no = [&](const std::string& text, const std::vector<std::string>& parts) {
    expect_error(Code::data, parts, [&] { number(text, 0); });
  };
  no("v\tw\n1,234\t5\n", {"t.csv: line 2", "v is '1,234'", "group thousands"});
  no("v;w\n1,25;1\n1.5;1\n", {"line 2", "v is '1,25'", "other cells of the column have a point"});
  no("v;w\n1,2,3;1\n", {"line 2", "expected a number"});
  no("v,w\n\"1,5\",1\n", {"line 2", "v is '1,5'", "expected a number"});
}

TEST(Csv, AnswersInTheWordsOfOtherTools) {
  const auto answer = [](const char* cell) {
    float value = -7;
    return parse_answer(cell, &value) ? value : -1;
  };
  for (const char* yes :
       {"1", "1.0", "1,0", "TRUE", "true", "Yes", "Y", "T", " 1 ", "+1", "WAHR", "Vrai", "VERDADERO", "vero"})
    EXPECT_EQ(answer(yes), 1) << yes;
  for (const char* no : {"0", "0.0", "FALSE", "no", "N", "f", "-0", " 0", "FALSCH", "Faux", "FALSO"})
    EXPECT_EQ(answer(no), 0) << no;
  for (const char* unknown : {"", " ", "NA", "n/a", "NaN", "<NA>"})
    EXPECT_TRUE(std::isnan(answer(unknown))) << unknown;
  for (const char* other : {"-1", "2", "0.5", "none", "null", "?", "positive", "truee", "1,00,0"})
    EXPECT_EQ(answer(other), -1) << other;
}

TEST(Csv, TablesOfPatientsAskForPersonsInFull) {
  const auto lines = [](const std::string& rows) { return patient_lines(parse("image,patient\n" + rows)); };
  expect_error(Code::data, {"t.csv: line 3: person '7.0' is '7' of t.csv: line 2"},
               [&] { lines("a,7\nb,7.0\n"); });
  expect_error(Code::data, {"t.csv: line 2: person '1.23457E+11'", "format the column as text"},
               [&] { lines("a,1.23457E+11\n"); });
  EXPECT_EQ(lines("a,7.0\nb,7.0\nc,8.0\n").size(), 3u);
}

TEST(Csv, LimitsBeforeMemory) {
  std::string wide = "c0", row = "1";
  for (int i = 1; i <= 10001; ++i) {
    wide += ",c" + std::to_string(i);
    row += ",1";
  }
  refuses(wide + "\n" + row + "\n", {"line 1", "more than 10000 fields"});
  refuses("a,b\n1," + std::string((1 << 20) + 1, 'x') + "\n", {"line 2", "a field of 1048577 bytes"});
  std::string rows = "a,b\n";
  for (int i = 0; i < 1000000; ++i) rows += "x.png,1\n";
  EXPECT_EQ(parse(rows).rows(), 1000000u);
}

// Found by fuzzing: the second mark became part of the first column's name.
TEST(Csv, OneByteOrderMarkAtMost) {
  EXPECT_EQ(parse("\xEF\xBB\xBFv\n1\n").header()[0], "v");
  expect_error(Code::data, {"line 1", "two byte order marks"},
               [] { parse("\xEF\xBB\xBF\xEF\xBB\xBFv\n1\n"); });
}

TEST(Csv, AMarkInsideAQuotedNameStays) {
  const std::string name = "\xEF\xBB\xBFq";
  EXPECT_EQ(parse(csv_line({name, "v"}) + "1,2\n").header()[0], name);
}

TEST(Csv, WritingAndReadingBack) {
  const std::vector<std::string> fields = {"plain", "a,b", "say \"hi\"", "two\nlines", ""};
  const CsvTable table = parse("a,b,c,d,e\n" + csv_line(fields));
  for (size_t i = 0; i < fields.size(); ++i) EXPECT_EQ(table.at(0, i), fields[i]);
}

// A spreadsheet shows them as text; this reader gives back what was written.
TEST(Csv, CellsThatLookLikeFormulasComeBack) {
  const std::vector<std::string> fields = {
      "=cmd|' /C calc'!A0", "'=x", "@SUM(1,2)", "-0.5", "-name", "\tx", "\r\nx"};
  const CsvTable table = parse(csv_line({"=a", "b", "c", "d", "e", "f", "g"}) + csv_line(fields));
  EXPECT_EQ(table.header()[0], "=a");
  for (size_t i = 0; i < fields.size(); ++i) EXPECT_EQ(table.at(0, i), fields[i]);
  EXPECT_EQ(table.number(0, 3), -0.5);
}

TEST(Csv, FilesAreWrittenWholeOrNotAtAll) {
  const TempDir dir;
  write_file(dir.path("a.txt"), "hello");
  EXPECT_EQ(read_file(dir.path("a.txt"), 100), "hello");
  expect_error(Code::data, {"a.txt", "5 bytes", "at most 4"}, [&] { read_file(dir.path("a.txt"), 4); });
  expect_error(Code::io, {"missing.csv"}, [&] { CsvTable::read(dir.path("missing.csv")); });
  expect_error(Code::io, {"no/such", "cannot be written"},
               [&] { write_file(dir.path("no/such/file"), "x"); });
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1)
      << "no temporary file is left";
}

}  // namespace
}  // namespace cawe::data
