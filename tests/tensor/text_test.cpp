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
