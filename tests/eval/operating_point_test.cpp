// SPDX-License-Identifier: Apache-2.0
// A fixed threshold, and its choice on validation films, by hand.
#include "eval/operating_point.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/error.h"
#include "tests/eval/golden_example.h"

namespace cawe::eval {
namespace {

const Clusters kPersons = {{0, 0, 1, 2}, 3};

FrocData golden() { return judge(testing::golden_truth(), testing::golden_detections()); }

TEST(OperatingPoint, GoldenExampleByHand) {
  const OperatingPoint p = operating_point(golden(), kPersons, .6, 2000, 0);
  EXPECT_EQ(p.found, 3);
  EXPECT_EQ(p.false_positives, 2);
  EXPECT_DOUBLE_EQ(p.sensitivity.value, .75) << ".6 itself counts";
  EXPECT_DOUBLE_EQ(p.fp_per_image.value, .5);
  EXPECT_GT(p.sensitivity.skipped, 0) << "draws of D's patient alone have no lesion";
  EXPECT_EQ(p.fp_per_image.skipped, 0);
  // Per draw of patients: P1 brings 3 of 3 lesions and no false positive on two films, P2 0 of 1 and one, P3 none and one.
  EXPECT_DOUBLE_EQ(p.sensitivity.low, 0);
  EXPECT_DOUBLE_EQ(p.sensitivity.high, 1);
  EXPECT_DOUBLE_EQ(p.fp_per_image.low, 0);
  EXPECT_DOUBLE_EQ(p.fp_per_image.high, 1);
  EXPECT_DOUBLE_EQ(operating_point(golden(), kPersons, .61, 10, 0).sensitivity.value, .5);
  EXPECT_DOUBLE_EQ(operating_point(golden(), kPersons, 2, 10, 0).fp_per_image.value, 0);
}

TEST(OperatingPoint, UndefinedThings) {
  const OperatingPoint none = operating_point(golden(), kPersons, std::nan(""), 10, 0);
  EXPECT_TRUE(std::isnan(none.sensitivity.value));
  EXPECT_TRUE(std::isnan(none.fp_per_image.value));
  const FrocData healthy = judge({{"a", "", {}, 64, 64}}, {{0, {0, 0, 8, 8}, .5, 0}});
  const OperatingPoint p = operating_point(healthy, {{0}, 1}, .5, 10, 0);
  EXPECT_TRUE(std::isnan(p.sensitivity.value));
  EXPECT_DOUBLE_EQ(p.fp_per_image.value, 1);
}

TEST(Threshold, IsTheHighestThatReachesTheWantedNumber) {
  EXPECT_DOUBLE_EQ(choose_threshold(golden()).threshold, .4) << "four false positives on four films";
  EXPECT_DOUBLE_EQ(choose_threshold(golden()).fp_per_image, 1);
  EXPECT_DOUBLE_EQ(choose_threshold(golden(), .5).threshold, .7);
  EXPECT_DOUBLE_EQ(choose_threshold(golden(), .51).threshold, .5);
  EXPECT_EQ(choose_threshold(golden(), .51).note, "");
  const ThresholdChoice beyond = choose_threshold(golden(), 2);
  EXPECT_DOUBLE_EQ(beyond.threshold, .3);
  EXPECT_EQ(
      beyond.note,
      "the validation films never reach 2 false positives per image: the threshold is their lowest score");
}

TEST(Threshold, SaysInWordsHowItWasChosen) {
  EXPECT_EQ(
      describe(choose_threshold(golden()), 4),
      "chosen on 4 validation films: the highest score with 1 false positive per image or more (1 there)");
  EXPECT_EQ(describe(choose_threshold(golden(), .7), 1, .7),
            "chosen on 1 validation film: the highest score with 0.7 false positives per image or more (0.75 "
            "there)");
  EXPECT_EQ(describe(choose_threshold(golden(), 2), 4, 2),
            "chosen on 4 validation films: the validation films never reach 2 false positives per image: the "
            "threshold is their lowest score (1 there)");
  EXPECT_EQ(
      describe(choose_threshold(judge({{"a", "", {}, 64, 64}}, {})), 1),
      "no threshold from 1 validation film: nothing is detected on the validation films: any threshold would "
      "do, so none is chosen");
}

TEST(Threshold, CannotBeChosenWithoutFilmsOrMarks) {
  const ThresholdChoice no_films = choose_threshold(judge({}, {}));
  EXPECT_TRUE(std::isnan(no_films.threshold));
  EXPECT_EQ(no_films.note, "there are no validation films to choose a threshold on");
  const ThresholdChoice no_marks = choose_threshold(judge(testing::golden_truth(), {}));
  EXPECT_TRUE(std::isnan(no_marks.threshold));
  EXPECT_NE(no_marks.note.find("nothing is detected"), std::string::npos);
  EXPECT_THROW(choose_threshold(golden(), 0), Error);
}

}  // namespace
}  // namespace cawe::eval
