// SPDX-License-Identifier: Apache-2.0
// JAFROC and the area under FROC: worked by hand, a published example, and what is undefined. A second implementation:
// detection_goldens_test.cpp.
#include "eval/jafroc.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/error.h"
#include "tests/eval/golden_example.h"

namespace cawe::eval {
namespace {

constexpr double kNone = -std::numeric_limits<double>::infinity();

std::vector<int32_t> ones(size_t n) { return std::vector<int32_t>(n, 1); }

// Chakraborty's worked example: RJafrocFrocBook (online), chapter "Empirical plots from FROC data", section "AFROC vs.
// wAFROC": 4 lesion-free films, 5 films with 9 lesions of stated weights; areas 0.8472222 and 0.7425, computed there from the
// operating points and by RJafroc's UtilFigureOfMerit.
TEST(Jafroc, PublishedExample) {
  const std::vector<RatedFilm> films = {{kNone, 0}, {0.5, 1}, {0.7, 2}, {-0.3, 3}};
  std::vector<RatedLesion> lesions = {{0.9, 4, 1}, {-0.2, 5, 1}, {1.6, 6, 0.1}, {kNone, 6, 0.9}, {3, 7, 0.9},
                                      {2, 7, 0.1}, {1, 8, 0.3},  {2.5, 8, 0.4}, {1, 8, 0.3}};
  EXPECT_NEAR(AfrocArea(lesions, films).value(ones(9)), 0.7425, 1e-12);
  for (RatedLesion& l : lesions) l.weight = 1;
  EXPECT_NEAR(AfrocArea(lesions, films).value(ones(9)), 0.8472222, 5e-8);
}

// spec: found are A's lesions at .95 and .6, B's at .8, C's at .3; highest false positives: B .4, C .7, D .9.
TEST(Jafroc, GoldenExampleByHand) {
  const FrocData data = judge(testing::golden_truth(), testing::golden_detections());
  const Jafroc areas(data);
  EXPECT_DOUBLE_EQ(areas.jafroc.value(ones(4)), 1 / 4.0) << "only .95 is above D's .9";
  EXPECT_DOUBLE_EQ(areas.wafroc.value(ones(4)), 0.5 / 3) << "A's two lesions weigh one half each";
  EXPECT_DOUBLE_EQ(areas.jafroc1.value(ones(4)), (4 + 3 + 2 + 1) / 16.0);
  EXPECT_DOUBLE_EQ(areas.wafroc1.value(ones(4)), (0.5 * 4 + 3 + 0.5 * 2 + 1) / 12.0);
  // Without D, and with C drawn twice.
  EXPECT_TRUE(std::isnan(areas.jafroc.value({1, 1, 1, 0})));
  EXPECT_DOUBLE_EQ(areas.jafroc1.value({1, 1, 2, 0}), (4 + 4 + 2 + 2 * 1) / (5 * 4.0));
  // Duplicates that count as false are on films with lesions: A has one at .85, C finds its lesion all the same.
  FrocOptions strict;
  strict.duplicates = Duplicates::fp;
  const Jafroc with_duplicates(judge(testing::golden_truth(), testing::golden_detections(), strict));
  EXPECT_DOUBLE_EQ(with_duplicates.jafroc.value(ones(4)), 1 / 4.0);
  EXPECT_DOUBLE_EQ(with_duplicates.jafroc1.value(ones(4)), (4 + 2 + 1 + 0) / 16.0);
}

TEST(Jafroc, WithoutMarksLesionsTieWithFilms) {
  const auto truth = testing::golden_truth();
  const Jafroc nothing(judge(truth, {}));
  EXPECT_DOUBLE_EQ(nothing.jafroc.value(ones(4)), 0.5);
  EXPECT_DOUBLE_EQ(nothing.wafroc1.value(ones(4)), 0.5);
  const Jafroc only_false(judge(truth, {{3, {0, 0, 8, 8}, .1, 0}}));
  EXPECT_DOUBLE_EQ(only_false.jafroc.value(ones(4)), 0);
  const Jafroc tied(judge(truth, {{3, {0, 0, 8, 8}, .1, 0}, {0, {0, 0, 10, 10}, .1, 0}}));
  EXPECT_DOUBLE_EQ(tied.jafroc.value(ones(4)), 0.5 / 4);
}

TEST(Jafroc, IsUndefinedWithoutLesionsOrFilms) {
  const std::vector<TruthImage> healthy = {{"a", "", {}, 64, 64}};
  const Jafroc no_lesion(judge(healthy, {{0, {0, 0, 8, 8}, .1, 0}}));
  for (const AfrocArea* area : {&no_lesion.jafroc, &no_lesion.wafroc, &no_lesion.jafroc1, &no_lesion.wafroc1})
    EXPECT_TRUE(std::isnan(area->value({1})));
  const std::vector<TruthImage> one = {{"a", "", {{{0, 0, 10, 10}, 0, false, 100}}, 64, 64}};
  const Jafroc no_lesion_free(judge(one, {{0, {0, 0, 10, 10}, .5, 0}}));
  EXPECT_TRUE(std::isnan(no_lesion_free.jafroc.value({1})));
  EXPECT_TRUE(std::isnan(no_lesion_free.wafroc.value({1})));
  EXPECT_DOUBLE_EQ(no_lesion_free.jafroc1.value({1}), 1) << "found, and the film has no false positive";
  EXPECT_THROW(AfrocArea({{std::nan(""), 0, 1}}, {}), Error);
}

// Steps of the golden example: .25 to x = .25, .5 to .5, .75 to 1, then 1.
TEST(FrocArea, GoldenExampleByHand) {
  const FrocData data = judge(testing::golden_truth(), testing::golden_detections());
  double v[5];
  froc_area(data, ones(4), {0.125, 0.5, 1, 4, 8}, v);
  EXPECT_DOUBLE_EQ(v[0], 0.25);
  EXPECT_DOUBLE_EQ(v[1], (0.25 + 0.5) / 2);
  EXPECT_DOUBLE_EQ(v[2], 0.5625);
  EXPECT_DOUBLE_EQ(v[3], (0.5625 + 3) / 4);
  EXPECT_DOUBLE_EQ(v[4], (0.5625 + 7) / 8);
  FrocOptions linear;
  linear.mode = SensMode::linear;
  froc_area(judge(testing::golden_truth(), testing::golden_detections(), linear), ones(4), {1}, v);
  EXPECT_DOUBLE_EQ(v[0], 0.5625) << "in steps whatever the mode";
  froc_area(judge(testing::golden_truth(), {}), ones(4), {4}, v);
  EXPECT_EQ(v[0], 0);
  froc_area(data, {0, 0, 0, 1}, {4, 8}, v);
  EXPECT_TRUE(std::isnan(v[0]) && std::isnan(v[1]));
}

}  // namespace
}  // namespace cawe::eval
