// SPDX-License-Identifier: Apache-2.0
// Numbers and words as text.
#include "tensor/io/format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

#include "tensor/random.h"

namespace cawe {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN(),
             kInfinity = std::numeric_limits<double>::infinity();

std::string printed(const char* format, int digits, double v) {
  char text[500];
  std::snprintf(text, sizeof text, format, digits, v);
  return text;
}

TEST(Format, TheShortestTextReadsBackEqual) {
  EXPECT_EQ(shortest(0.1), "0.1");
  EXPECT_EQ(shortest(100), "100");
  EXPECT_EQ(shortest(1e-5), "1e-05");
  EXPECT_EQ(shortest(-0.0), "-0");
  EXPECT_EQ(shortest(kInfinity) + shortest(-kInfinity) + shortest(kNan), "inf-infnan");
  const Random random(1, "format");
  for (uint64_t i = 0; i < 1000; ++i) {
    const double v =
        std::ldexp(double(random.uniform(2 * i)) - 0.5, int(random.uniform(2 * i + 1) * 400) - 200);
    double read = 0;
    EXPECT_TRUE(parse_number(shortest(v), &read));
    EXPECT_EQ(read, v);
  }
}

TEST(Format, FixedAndRoundedAreWhatPrintfWrites) {
  for (const double v :
       {0.0, -0.0, 0.5, 2.5, 1.0005, 123456.789, -1e-7, 1e300, 1e15, 0.1 + 0.2, 99999.95, 1e-5, 1e5})
    for (const int digits : {0, 1, 2, 3, 6, 9, 17}) {
      EXPECT_EQ(fixed(v, digits), printed("%.*f", digits, v));
      EXPECT_EQ(rounded(v, digits), printed("%.*g", digits, v));
    }
  EXPECT_EQ(fixed(std::numeric_limits<double>::max(), 3),
            printed("%.*f", 3, std::numeric_limits<double>::max()));
  EXPECT_EQ(fixed(kNan) + rounded(kInfinity, 3), "naninf");
}

TEST(Format, LinesOfAnyLength) {
  EXPECT_EQ(printf_text("%-6s|%5.2f|%d", "ab", 1.0, 7), "ab    | 1.00|7");
  EXPECT_EQ(printf_text("%5000d", 1).size(), 5000u);
  EXPECT_EQ(printf_text("%s", ""), "");
}

TEST(Format, MarkupIsInert) {
  EXPECT_EQ(escape_markup("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(escape_markup("größe"), "größe");
}

TEST(Format, CellsAreQuotedWhereNecessary) {
  EXPECT_EQ(csv_line({"plain", "a,b", "a\"b", "a\nb", "a\rb", "", " x "}),
            "plain,\"a,b\",\"a\"\"b\",\"a\nb\",\"a\rb\",, x \n");
  EXPECT_EQ(csv_line({csv_number(0.25), csv_number(kNan), csv_number(kInfinity)}), "0.25,,inf\n");
}

TEST(Format, NoCellIsAFormulaAndTextComesBack) {
  EXPECT_EQ(csv_line({"=1+1", "+a", "-a", "@a", "\tx", "＝1"}), "'=1+1,'+a,'-a,'@a,'\tx,'＝1\n");
  EXPECT_EQ(csv_field("\r=1"), "\"'\r=1\"");
  EXPECT_EQ(csv_line({"-0.5", "+1e-05", "-inf", "a=1", "1-2", "'", "'a", ""}),
            "-0.5,+1e-05,-inf,a=1,1-2,',\'a,\n")
      << "numbers and harmless text stay as they are";
  for (const std::string text : {"=1+1", "'=1", "''=1", "'-0.5", "-0.5", "-", "'", "'a", "@", "\t", "＠x"})
    EXPECT_EQ(csv_text(csv_field(text)), text);
  EXPECT_EQ(csv_text("'-0.5"), "-0.5") << "a cell that a user typed as text";
}

TEST(Format, NumbersAreWholeTexts) {
  double v = 0;
  for (const char* text : {"", "1x", " 1", "1 ", "nan", "inf", "--1", "+-1", "++1", "+", "1,5", "0x10"})
    EXPECT_FALSE(parse_number(text, &v)) << text;
  EXPECT_TRUE(parse_number("+1.5e2", &v));
  EXPECT_EQ(v, 150);
}

TEST(Format, AWholeNumberIsOneThatADoubleTellsFromItsNeighbours) {
  int64_t n = 7;
  for (const double v :
       {0.5, -1e-300, 9007199254740994.0, 9.3e18, 1e300, -1e300, kInfinity, -kInfinity, kNan})
    EXPECT_FALSE(whole_number(v, &n)) << v;
  EXPECT_EQ(n, 7) << "untouched";
  for (const int64_t whole :
       {int64_t(0), int64_t(-3), int64_t(16384), int64_t(1) << 53, -(int64_t(1) << 53)}) {
    EXPECT_TRUE(whole_number(double(whole), &n));
    EXPECT_EQ(n, whole);
  }
}

}  // namespace
}  // namespace cawe
