// SPDX-License-Identifier: Apache-2.0
// Groups of lesions by size and by label, by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "eval/subgroups.h"
#include "tensor/error.h"

namespace cawe::eval {
namespace {

TruthBox square(double x, double side, int64_t label = 0) {
  return {{x, 0, x + side, side}, label, false, side * side};
}

/// Films of 200 x 50 (root of the area 100): sides are per cent. Eight lesions, one of them a crowd.
std::vector<TruthImage> films() {
  std::vector<TruthImage> truth = {{"a", "p", {square(0, 5), square(10, 20, 1)}, 200, 50},
                                   {"b", "q", {square(0, 10), square(20, 10), square(40, 10, 1)}, 200, 50},
                                   {"c", "r", {square(0, 40, 1), square(50, 30)}, 200, 50},
                                   {"d", "r", {}, 200, 50}};
  truth[2].boxes[1].crowd = true;
  return truth;
}

TEST(LesionGrouping, ThirdsNeverPartEqualSizes) {
  const LesionGrouping thirds = size_thirds(films());
  // Sides .05 .1 .1 .1 .2 .4: the limits are the second and the fourth, both .1.
  EXPECT_EQ(thirds.limits, (std::vector<double>{.1, .1}));
  EXPECT_EQ(thirds.group, (std::vector<std::vector<int>>{{0, 2}, {0, 0, 0}, {2, -1}, {}}));
  EXPECT_EQ(thirds.names, (std::vector<std::string>{"up to 0.100", "0.100 to 0.100", "above 0.100"}));
  EXPECT_EQ(thirds.left_out, 0) << "a crowd is no lesion";
  auto truth = films();
  truth[1].boxes[1] = square(20, 12);
  truth[1].boxes[2] = square(40, 15);
  truth[0].width = truth[0].height = 0;
  const LesionGrouping known = size_thirds(truth);  // .1 .12 .15 .4
  EXPECT_EQ(known.left_out, 2) << "films of unknown size";
  EXPECT_EQ(known.limits, (std::vector<double>{.12, .15}));
  EXPECT_EQ(known.group, (std::vector<std::vector<int>>{{-1, -1}, {0, 0, 1}, {2, -1}, {}}));
  for (TruthImage& image : truth) image.width = 0;
  EXPECT_TRUE(size_thirds(truth).names.empty());
  EXPECT_TRUE(size_thirds({}).names.empty());
}

TEST(LesionGrouping, CocosSizesWhereTheySaySomething) {
  EXPECT_TRUE(coco_sizes({{"a", "", {square(0, 10), square(20, 31)}, 99, 99}}).names.empty()) << "all small";
  const LesionGrouping sizes =
      coco_sizes({{"a", "", {square(0, 31.9), square(0, 32), square(0, 96), square(0, 96.1)}, 200, 200}});
  EXPECT_EQ(sizes.names.size(), 3u);
  EXPECT_EQ(sizes.group[0], (std::vector<int>{0, 1, 1, 2}));
}

TEST(LesionGrouping, Labels) {
  const LesionGrouping own = by_lesion_label(films(), {"nodule", "mass"});
  EXPECT_EQ(own.names, (std::vector<std::string>{"nodule", "mass"}));
  EXPECT_EQ(own.group, (std::vector<std::vector<int>>{{0, 1}, {0, 0, 1}, {1, -1}, {}}));
  EXPECT_TRUE(by_lesion_label(films(), {"nodule"}).names.empty()) << "a label without a name";
  EXPECT_TRUE(by_lesion_label({{"a", "", {square(0, 5)}, 9, 9}}, {"nodule", "mass"}).names.empty())
      << "one label";
  const LesionGrouping film = by_film_label(films(), {"tb", "", "mass", "healthy"});
  EXPECT_EQ(film.names, (std::vector<std::string>{"mass", "tb"})) << "no group without a lesion";
  EXPECT_EQ(film.group, (std::vector<std::vector<int>>{{1, 1}, {-1, -1, -1}, {0, -1}, {}}));
  EXPECT_EQ(film.left_out, 3);
  EXPECT_THROW(by_film_label(films(), {"tb"}), Error);
}

TEST(LesionGrouping, SensitivityOfEachGroup) {
  const auto truth = films();
  // Finds the small ones of b, two of three; nothing of a and c.
  const std::vector<Detection> detections = {{1, truth[1].boxes[0].box, .9, 0},
                                             {1, truth[1].boxes[2].box, .8, 0}};
  EvaluateOptions options;
  options.draws = 20;
  const auto rows = lesion_groups(size_thirds(truth), truth, {&detections}, options);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].attribute, "lesion size");
  EXPECT_EQ(rows[0].lesions, 4);
  EXPECT_DOUBLE_EQ(rows[0].sens[0].value, .5);
  EXPECT_EQ(rows[1].lesions, 0);
  EXPECT_TRUE(std::isnan(rows[1].mean.value));
  EXPECT_EQ(rows[2].lesions, 2);
  EXPECT_DOUBLE_EQ(rows[2].mean.value, 0);
  const auto coco = lesion_groups(coco_sizes(truth), truth, {&detections}, options);
  ASSERT_EQ(coco.size(), 3u);
  EXPECT_EQ(coco[1].lesions, 1) << "40 x 40";
  EXPECT_TRUE(lesion_groups(by_lesion_label(truth, {}), truth, {&detections}, options).empty());
}

}  // namespace
}  // namespace cawe::eval
