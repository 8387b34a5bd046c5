// SPDX-License-Identifier: Apache-2.0
#include "tensor/text.h"

#include <gtest/gtest.h>

#include "tensor/error.h"

namespace cawe {
namespace {

TEST(NearestName, GuessesTyposAndNothingElse) {
  const std::vector<std::string> keys{"train.steps", "train.batch", "data.root", "model.width", "lanes"};
  EXPECT_EQ(nearest_name("train.step", keys), "train.steps");
  EXPECT_EQ(nearest_name("trian.steps", keys), "train.steps");
  EXPECT_EQ(nearest_name("dataroot", keys), "data.root");
  EXPECT_EQ(nearest_name("lanes", keys), "lanes");
  EXPECT_EQ(nearest_name("a completely different sentence", keys), "");
  EXPECT_EQ(nearest_name("x", {}), "");
  EXPECT_EQ(nearest_name("", {"ab"}), "ab") << "two letters away";
  EXPECT_EQ(nearest_name("ab", {"ax", "bb"}), "ax") << "the first of equals";
}

TEST(Printable, KeepsTextAndDisarmsTheRest) {
  EXPECT_EQ(printable("Röntgen 影.png"), "Röntgen 影.png");
  EXPECT_EQ(printable("a\nb\tc\rd"), "a b c d");
  EXPECT_EQ(printable("\x1b[2Jx\x07\x7f"), "\\x1b[2Jx\\x07\\x7f");
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3") << "no UTF-8";
  EXPECT_EQ(printable("\xc0\x80|\xed\xa0\x80"), "\\xc0\\x80|\\xed\\xa0\\x80") << "overlong; half of a pair";
  EXPECT_EQ(printable("gnp.\xe2\x80\xae"
                      "exe"),
            "gnp.\\u202eexe")
      << "turns the direction of writing";
  EXPECT_EQ(printable("\xc2\x9b"), "\\x9b") << "a one-byte control sequence";
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(Printable, LeavesOutTheMiddleOfLongText) {
  EXPECT_EQ(printable(std::string(10, 'a'), 10), std::string(10, 'a'));
  EXPECT_EQ(printable(std::string(5, 'a') + std::string(6, 'b'), 10), "aaaaa…bbbbb");
  EXPECT_EQ(printable("ääää", 5), "ä…ä") << "no character is cut in two";
  // Of a text that is so long that only its ends are looked at, the ends are those of a shorter one.
  for (size_t most : {4, 5, 6, 7, 20})
    for (const std::string& part :
         {std::string("x"), std::string("ä"), std::string("a\xe2\x80\xae"), std::string("影\xff")}) {
      std::string shorter, longer;
      while (shorter.size() + part.size() < 2 * most + 14) shorter += part;
      for (int i = 0; i < 4000; ++i) longer += part;
      EXPECT_EQ(printable("<" + longer + ">", most), printable("<" + shorter + ">", most)) << most << part;
    }
}

TEST(Utf8, IsToldFromOtherBytes) {
  for (const char* good : {"", "a", "é", "影", "\xf0\x9f\xa9\xbb", "\xf4\x8f\xbf\xbf", "\x7f"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad : {"\xff", "\xc3", "a\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82"})
    EXPECT_FALSE(is_utf8(bad));
}

TEST(BeginsAndEnds, OfText) {
  EXPECT_TRUE(begins_with("module.fc", "module.") && begins_with("a", "") && begins_with("", ""));
  EXPECT_FALSE(begins_with("mod", "module.") || begins_with("xmodule.", "module."));
  EXPECT_TRUE(ends_with("bn1.weight", ".weight") && ends_with("a", "") && ends_with("", ""));
  EXPECT_FALSE(ends_with("ht", ".weight") || ends_with("bn1.weight2", ".weight"));
}

TEST(Counted, OneAndMany) {
  EXPECT_EQ(counted(1, "film"), "1 film");
  EXPECT_EQ(counted(0, "film"), "0 films");
  EXPECT_EQ(counted(2, "box", "boxes"), "2 boxes");
  EXPECT_EQ(counted(1, "box", "boxes"), "1 box");
}

TEST(FormatDuration, PicksItsUnits) {
  EXPECT_EQ(format_duration(4.24), "4.2 s");
  EXPECT_EQ(format_duration(0), "0.0 s");
  EXPECT_EQ(format_duration(42.4), "42 s");
  EXPECT_EQ(format_duration(59.6), "1 min 00 s");
  EXPECT_EQ(format_duration(190), "3 min 10 s");
  EXPECT_EQ(format_duration(3599.6), "1 h 00 min");
  EXPECT_EQ(format_duration(3720), "1 h 02 min");
}

TEST(Progress, IsSilentWhenToldSoAndForShortWork) {
  ::testing::internal::CaptureStderr();
  {
    Progress quiet("train", 10, true), fast("train", 10);
    for (int i = 0; i <= 10; ++i) {
      quiet.update(i);
      fast.update(i, "loss 0.4");
    }
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(Text, LowerChangesTheLettersAToZAlone) {
  EXPECT_EQ(lower(".DCM [x] 0Az\xC3\x84"), ".dcm [x] 0az\xC3\x84");
  EXPECT_EQ(lower(""), "");
}

TEST(Text, ShellTextQuotesWhatAShellWouldTakeApart) {
  EXPECT_EQ(shell_text({"cawe", "study", "a.toml", "--set", "boot.draws=100"}),
            "cawe study a.toml --set boot.draws=100");
  EXPECT_EQ(shell_text({"cawe", "rows=[\"none\", \"cawe\"]", "$HOME", "a b", "it's", "", "~x", "#"}),
            "cawe 'rows=[\"none\", \"cawe\"]' '$HOME' 'a b' 'it'\\''s' '' '~x' '#'");
  EXPECT_EQ(shell_text({}), "");
}

TEST(Error, CarriesCodeAndOneLine) {
  try {
    fail(Code::shape, "conv2d: x ", 3, " (expected ", 4, ")");
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::shape);
    EXPECT_STREQ(e.what(), "conv2d: x 3 (expected 4)");
    return;
  }
  FAIL() << "nothing was thrown";
}

}  // namespace
}  // namespace cawe
