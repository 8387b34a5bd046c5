// SPDX-License-Identifier: Apache-2.0
// The strict CSV reader: what it takes, what it refuses, and the line it names.
#include <gtest/gtest.h>

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
  refuses("a,b\n1,2\n\n3,4\n", {"t.csv: line 3", "blank"});
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
  refuses("a,\n1,2\n", {"line 1", "without a name"});
}

TEST(Csv, ColumnsByNameWithTheNearestOne) {
  const CsvTable table = parse("patientId,Target\nx,1\n");
  EXPECT_EQ(table.column("Target"), 1u);
  EXPECT_FALSE(table.has_column("target"));
  expect_error(Code::data, {"t.csv", "no column 'patientID'", "did you mean 'patientId'"},
               [&] { table.column("patientID"); });
}

TEST(Csv, NumbersFillTheWholeCellAndAreFinite) {
  const CsvTable table = parse("v\n1.5\n-2e3\n+4\n1x\nnan\ninf\n 1\n1e999\n0x10\n");
  EXPECT_EQ(table.number(0, 0), 1.5);
  EXPECT_EQ(table.number(1, 0), -2000);
  EXPECT_EQ(table.number(2, 0), 4);
  for (size_t row = 3; row < table.rows(); ++row)
    expect_error(Code::data, {table.where(row), "expected a number"}, [&] { table.number(row, 0); });
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
