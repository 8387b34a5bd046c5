// SPDX-License-Identifier: Apache-2.0
// LROC by hand. A second implementation: detection_goldens_test.cpp.
#include "eval/lroc.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/eval/golden_example.h"

namespace cawe::eval {
namespace {

const BoxD kLesion = {0, 0, 10, 10}, kElsewhere = {50, 50, 60, 60};

/// Films a to d have one lesion, e and f none.
std::vector<TruthImage> films() {
  std::vector<TruthImage> truth;
  for (const char* id : {"a", "b", "c", "d", "e", "f"}) truth.push_back({id, "", {}, 100, 100});
  for (size_t i = 0; i < 4; ++i) truth[i].boxes = {{kLesion, 0, false, 100}};
  return truth;
}

// a is right at .9, b half right at .5 (the miss has the same score), c wrong (.4 below .8), d unmarked; e has .5, f nothing.
TEST(Lroc, ByHand) {
  const std::vector<Detection> detections = {
      {0, kLesion, .9, 0}, {1, kElsewhere, .5, 0}, {1, kLesion, .5, 0},    {2, kElsewhere, .8, 0},
      {2, kLesion, .4, 0}, {4, kElsewhere, .5, 0}, {4, kElsewhere, .2, 0}, {0, kLesion, .7, 0}};
  const Lroc lroc(judge(films(), detections));
  const std::vector<int32_t> all(6, 1);
  EXPECT_EQ(lroc.undefined(), "");
  EXPECT_DOUBLE_EQ(lroc.correct_localisation(all), 1.5 / 4);
  EXPECT_DOUBLE_EQ(lroc.area(all), (1 + 1 + 0.5 * 0.5 + 0.5) / 8);
  const auto curve = lroc.curve();
  ASSERT_EQ(curve.size(), 2u);
  EXPECT_EQ(curve[0].threshold, .9);
  EXPECT_DOUBLE_EQ(curve[0].localised, .25);
  EXPECT_DOUBLE_EQ(curve[0].false_positive, 0);
  EXPECT_EQ(curve[1].threshold, .5);
  EXPECT_DOUBLE_EQ(curve[1].localised, .375);
  EXPECT_DOUBLE_EQ(curve[1].false_positive, .5);
  // The area under the curve: linear between its points, then level.
  EXPECT_DOUBLE_EQ(lroc.area(all), 0.5 * (.25 + .375) / 2 + 0.5 * .375);
  EXPECT_DOUBLE_EQ(lroc.correct_localisation({2, 1, 0, 1, 1, 1}), 2.5 / 4);
  EXPECT_DOUBLE_EQ(lroc.area({1, 0, 1, 0, 0, 1}), 1 / 2.0)
      << "c's reading loses against the unmarked film, too";
  EXPECT_TRUE(std::isnan(lroc.area({1, 1, 1, 1, 0, 0})));
  EXPECT_TRUE(std::isnan(lroc.area({0, 0, 0, 0, 1, 1})));
  EXPECT_TRUE(std::isnan(lroc.correct_localisation({0, 0, 0, 0, 1, 1})));
}

TEST(Lroc, MarksThatTheRuleIgnoresAreNoMarks) {
  auto truth = films();
  truth[0].boxes.push_back({kElsewhere, 0, true, 100});  // a region to be ignored
  const std::vector<Detection> detections = {
      {0, kElsewhere, .95, 0}, {0, kLesion, .6, 0}, {0, kLesion, .6, 0}};
  EXPECT_DOUBLE_EQ(Lroc(judge(truth, detections)).correct_localisation({1, 0, 0, 0, 0, 0}), 1);
  FrocOptions strict;
  strict.duplicates = Duplicates::fp;
  EXPECT_DOUBLE_EQ(Lroc(judge(truth, detections, strict)).correct_localisation({1, 0, 0, 0, 0, 0}), .5);
}

TEST(Lroc, SaysWhyItIsUndefined) {
  const Lroc several(judge(testing::golden_truth(), testing::golden_detections()));
  EXPECT_EQ(several.undefined(), "1 film has several lesions");
  EXPECT_TRUE(std::isnan(several.area({1, 1, 1, 1})));
  EXPECT_TRUE(std::isnan(several.correct_localisation({1, 1, 1, 1})));
  EXPECT_TRUE(several.curve().empty());
  EXPECT_EQ(Lroc(judge({{"a", "", {}, 9, 9}}, {})).undefined(), "no film has a lesion");
  // One film with its lesion: localised or not, but no area without a lesion-free film.
  const std::vector<TruthImage> one = {{"a", "", {{kLesion, 0, false, 100}}, 99, 99}};
  const Lroc alone(judge(one, {{0, kLesion, .5, 0}}));
  EXPECT_EQ(alone.undefined(), "");
  EXPECT_TRUE(std::isnan(alone.area({1})));
  EXPECT_DOUBLE_EQ(alone.correct_localisation({1}), 1);
  EXPECT_TRUE(std::isnan(alone.curve()[0].false_positive));
  EXPECT_DOUBLE_EQ(Lroc(judge(one, {})).correct_localisation({1}), 0);
}

}  // namespace
}  // namespace cawe::eval
