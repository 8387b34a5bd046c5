// SPDX-License-Identifier: Apache-2.0
// Subgroups against a case counted by hand and against evaluate() on the part alone.
#include "eval/subgroups.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/error.h"
#include "tests/eval/made_up_system.h"

namespace cawe::eval {
namespace {

const BoxD kLesion = {0, 0, 10, 10}, kElsewhere = {50, 50, 60, 60};

TruthImage image(const char* id, const char* patient, size_t lesions) {
  TruthImage out{id, patient, {}, 100, 100};
  for (size_t k = 0; k < lesions; ++k) {
    const double x = 20 * double(k);
    out.boxes.push_back({{x, 0, x + 10, 10}, 0, false, 100});
  }
  return out;
}

// Four images. F: a (one lesion, found at .9) and b (lesion-free, two false boxes at .8 and .7). M: c (two
// lesions, the first found at .6, one false box at .95). No sex: d, lesion-free.
TEST(Subgroups, CountedByHand) {
  const std::vector<TruthImage> truth = {image("a", "p", 1), image("b", "q", 0), image("c", "r", 2),
                                         image("d", "r", 0)};
  const std::vector<Detection> detections = {{0, kLesion, .9, 0},     {1, kElsewhere, .8, 0},
                                             {1, kElsewhere, .7, 0},  {2, kLesion, .6, 0},
                                             {2, kElsewhere, .95, 0}, {3, kElsewhere, .99, 0}};
  EvaluateOptions options;
  options.draws = 50;
  const auto rows = subgroups("sex", truth, {"F", "F", "M", ""}, {&detections}, options);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].attribute, "sex");
  EXPECT_EQ(rows[0].group, "F");
  EXPECT_EQ(rows[0].images, 2);
  EXPECT_EQ(rows[0].patients, 2);
  EXPECT_EQ(rows[0].lesions, 1);
  EXPECT_TRUE(rows[0].few);
  EXPECT_DOUBLE_EQ(rows[0].sens[0].value, 1);
  EXPECT_GT(rows[0].sens[0].skipped, 0) << "draws of patient q alone have no lesion";
  EXPECT_EQ(rows[1].group, "M");
  EXPECT_EQ(rows[1].lesions, 2);
  EXPECT_DOUBLE_EQ(rows[1].sens[0].value, .5) << "one of two, after one false box on one image";
  EXPECT_DOUBLE_EQ(rows[1].mean.value, .5);
  EXPECT_EQ(rows[2].group, "not stated");
  EXPECT_EQ(rows[2].images, 1);
  EXPECT_TRUE(std::isnan(rows[2].sens[0].value));
  // A second seed that finds nothing halves every figure.
  const std::vector<Detection> nothing;
  const auto halved = subgroups("sex", truth, {"F", "F", "M", ""}, {&detections, &nothing}, options);
  EXPECT_DOUBLE_EQ(halved[0].sens[0].value, .5);
  EXPECT_DOUBLE_EQ(halved[1].sens[0].value, .25);
  EXPECT_TRUE(subgroups("sex", truth, {"", "", "", ""}, {&detections}, options).empty());
  EXPECT_THROW(subgroups("sex", truth, {"F"}, {&detections}, options), Error);
}

// Two lesions on c, one on a. The group "first" is a's and c's first: a's is found at .9, c's at .6. The box
// on c's second lesion (.95) is neither right nor wrong; b's two boxes are false, half a false box an image.
TEST(LesionGroups, OtherLesionsAreNeitherRightNorWrong) {
  const std::vector<TruthImage> truth = {image("a", "p", 1), image("b", "q", 0), image("c", "r", 2),
                                         image("d", "r", 0)};
  const BoxD second = {20, 0, 30, 10};
  const std::vector<Detection> detections = {{0, kLesion, .9, 0},
                                             {1, kElsewhere, .8, 0},
                                             {1, kElsewhere, .7, 0},
                                             {2, kLesion, .6, 0},
                                             {2, second, .95, 0}};
  EvaluateOptions options;
  options.draws = 50;
  const auto rows = lesion_groups("place", {"first", "second", "none"}, truth, {{0}, {}, {0, 1}, {}},
                                  {&detections}, options);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].lesions, 2);
  EXPECT_EQ(rows[0].images, 4);
  EXPECT_DOUBLE_EQ(rows[0].sens[0].value, 1) << "half a false box an image is below 1";
  EXPECT_EQ(rows[1].lesions, 1);
  EXPECT_DOUBLE_EQ(rows[1].sens[0].value, 1);
  EXPECT_EQ(rows[2].lesions, 0);
  EXPECT_TRUE(std::isnan(rows[2].sens[0].value));
  // A box on a lesion of another group finds nothing here, and is not false either.
  const std::vector<Detection> second_only = {{2, second, .95, 0}};
  const auto missed =
      lesion_groups("place", {"first", "second"}, truth, {{0}, {}, {0, 1}, {}}, {&second_only}, options);
  EXPECT_DOUBLE_EQ(missed[0].mean.value, 0);
  EXPECT_DOUBLE_EQ(missed[1].mean.value, 1);
  EXPECT_DOUBLE_EQ(missed[0].missed, 2);
  EXPECT_DOUBLE_EQ(missed[1].missed, 0);
  EXPECT_TRUE(std::isnan(rows[2].missed));
  // Five false boxes on four films come before the first group's second lesion: at one a film that one is missed. Another
  // seed that finds both halves it.
  std::vector<Detection> late(5, {1, kElsewhere, .8, 0});
  late.push_back({0, kLesion, .9, 0});
  late.push_back({2, kLesion, .6, 0});
  const auto at_one = lesion_groups("place", {"first"}, truth, {{0}, {}, {0, -1}, {}}, {&late}, options);
  EXPECT_DOUBLE_EQ(at_one[0].missed, 1);
  const auto of_two =
      lesion_groups("place", {"first"}, truth, {{0}, {}, {0, -1}, {}}, {&late, &detections}, options);
  EXPECT_DOUBLE_EQ(of_two[0].missed, .5);
  EXPECT_THROW(lesion_groups("place", {"first"}, truth, {{0}, {}, {0}, {}}, {&detections}, options), Error);
  // Five boxes with a quarter's overlap on c's second lesion, most of them outside: no false positives by a rule of a fifth, else
  // they would come before c's first lesion, five on four films.
  std::vector<Detection> wide(5, {2, {20, 0, 30, 40}, .9, 0});
  wide.push_back({2, kLesion, .5, 0});
  options.froc = froc_preset("overlap_or_centre");
  const auto first = lesion_groups("place", {"first"}, truth, {{0}, {}, {0, -1}, {}}, {&wide}, options);
  EXPECT_DOUBLE_EQ(first[0].sens[0].value, .5);
}

TEST(Subgroups, AreEvaluateOnThePartAlone) {
  const auto truth = testing::made_up_truth();
  const auto detections = testing::made_up_detections(truth, .5, 3);
  EvaluateOptions options;
  options.draws = 100;
  std::vector<std::string> labels;
  std::vector<TruthImage> part;
  std::vector<Detection> in_part;
  for (size_t i = 0; i < truth.size(); ++i) {
    labels.push_back(i % 4 < 2 ? "even" : "odd");
    if (i % 4 < 2) continue;
    for (Detection d : detections)
      if (d.image == int64_t(i)) {
        d.image = int64_t(part.size());
        in_part.push_back(d);
      }
    part.push_back(truth[i]);
  }
  const Evaluation e = evaluate(part, in_part, options);
  const SubgroupRow row = subgroups("half", truth, labels, {&detections}, options)[1];
  EXPECT_EQ(row.lesions, e.lesions);
  EXPECT_EQ(row.patients, e.patients);
  EXPECT_FALSE(row.few);
  for (size_t k = 0; k < 4; ++k) {
    EXPECT_DOUBLE_EQ(row.sens[k].value, e.at(paper_fps()[k]).interval.value);
    EXPECT_DOUBLE_EQ(row.sens[k].low, e.at(paper_fps()[k]).interval.low);
    EXPECT_DOUBLE_EQ(row.sens[k].high, e.at(paper_fps()[k]).interval.high);
  }
  EXPECT_DOUBLE_EQ(row.mean.low, e.mean_paper.low);
}

TEST(AgeGroup, Borders) {
  EXPECT_EQ(age_group(0), "0 to 17");
  EXPECT_EQ(age_group(17.9), "0 to 17");
  EXPECT_EQ(age_group(18), "18 to 39");
  EXPECT_EQ(age_group(64), "40 to 64");
  EXPECT_EQ(age_group(65), "65 and over");
  EXPECT_EQ(age_group(-1), "");
  EXPECT_EQ(age_group(NAN), "");
}

}  // namespace
}  // namespace cawe::eval
