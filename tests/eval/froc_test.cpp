// SPDX-License-Identifier: Apache-2.0
// FROC against the worked example, hand-made corner cases and a slow second implementation.
#include "eval/froc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tensor/error.h"
#include "tensor/random.h"
#include "tests/eval/golden_example.h"

namespace cawe::eval {
namespace {

using testing::golden_detections;
using testing::golden_truth;

std::string labels(const FrocOptions& options) {
  std::string text;
  for (const Judged& d : judge(golden_truth(), golden_detections(), options).judged)
    text += d.found > 0 ? 'T' : d.false_positive ? 'F' : 'd';
  return text;
}

std::vector<double> sens(const FrocOptions& options, const std::vector<double>& fps) {
  const FrocCurve curve = froc_curve(judge(golden_truth(), golden_detections(), options));
  std::vector<double> values;
  for (const SensAt& s : sens_at(curve, fps)) values.push_back(s.sensitivity);
  return values;
}

const std::vector<double> kFps = {.125, .25, .5, .75, 1, 2};
using Values = std::vector<double>;

TEST(Froc, GoldenLabels) {
  FrocOptions options;
  EXPECT_EQ(labels(options), "TFdTFTFFT");
  options.threshold = 0.4;
  EXPECT_EQ(labels(options), "TFdTFTFFT");
  options.threshold = 0.2;
  EXPECT_EQ(labels(options), "TFdTTTFdd");
  EXPECT_EQ(labels(froc_preset("centre")), "TFdTTTFdd");
  EXPECT_EQ(labels(froc_preset("overlap_or_centre")), "TFdTTTFdd");
  options = {};
  options.duplicates = Duplicates::fp;
  EXPECT_EQ(labels(options), "TFFTFTFFT");
  EXPECT_EQ(labels(froc_preset("deeplesion")), "TFdTFTFFT");
}

TEST(Froc, GoldenSensitivities) {
  FrocOptions options;
  EXPECT_EQ(sens(options, kFps), (Values{.25, .5, .75, .75, 1, 1}));
  options.mode = SensMode::linear;
  EXPECT_EQ(sens(options, {.125, .375}), (Values{.375, .625}));
  EXPECT_EQ(sens(options, {.0625, .4375, .8125}), (Values{.3125, .6875, .8125})) << "not only in the middle";
  options = {};
  options.threshold = 0.2;
  EXPECT_EQ(sens(options, kFps), (Values{.25, 1, 1, 1, 1, 1}));
  EXPECT_EQ(sens(froc_preset("centre"), kFps), (Values{.25, 1, 1, 1, 1, 1}));
  EXPECT_EQ(sens(froc_preset("overlap_or_centre"), kFps), (Values{.25, 1, 1, 1, 1, 1}));
  options.mode = SensMode::linear;
  EXPECT_EQ(sens(options, {.125, .375}), (Values{.625, 1}));
  options = {};
  options.duplicates = Duplicates::fp;
  EXPECT_EQ(sens(options, kFps), (Values{.25, .25, .5, .75, .75, 1}));
  options.mode = SensMode::linear;
  EXPECT_EQ(sens(options, {.125, .375}), (Values{.25, .375}));
}

TEST(Froc, GoldenNegativesDenominator) {
  const FrocCurve curve = froc_curve(judge(golden_truth(), golden_detections()));
  EXPECT_EQ(curve.negatives, 1);
  const auto at = sens_at(curve, {.5, 1, 2}, Denominator::negatives);
  EXPECT_EQ(at[0].sensitivity, .25);
  EXPECT_EQ(at[1].sensitivity, .75);
  EXPECT_EQ(at[2].sensitivity, 1);
}

TEST(Froc, ReportsThresholdsAndTheCurvesEnd) {
  const FrocCurve curve = froc_curve(judge(golden_truth(), golden_detections()));
  EXPECT_EQ(curve.points.size(), 9u);
  const auto at = sens_at(curve, {.125, .25, .5, 1, 4});
  EXPECT_EQ(at[0].threshold, .95);
  EXPECT_EQ(at[1].threshold, .80);
  EXPECT_EQ(at[2].threshold, .60);
  EXPECT_EQ(at[3].threshold, .30);
  EXPECT_FALSE(at[3].curve_ends);
  EXPECT_TRUE(at[4].curve_ends);
  EXPECT_EQ(at[4].ends_at, 1);
  const auto none = sens_at(curve, -1.0);
  EXPECT_EQ(none.sensitivity, 0);
  EXPECT_TRUE(std::isinf(none.threshold));
}

TEST(Froc, EqualScoresAreOnePoint) {
  std::vector<TruthImage> truth = {{"a", "", {{{0, 0, 10, 10}, 0, false, 100}}, 64, 64}};
  const std::vector<Detection> detections = {{0, {0, 0, 10, 10}, .5, 0}, {0, {30, 30, 40, 40}, .5, 0}};
  const FrocCurve curve = froc_curve(judge(truth, detections));
  ASSERT_EQ(curve.points.size(), 1u);
  EXPECT_EQ(curve.points[0].fp_per_image, 1);
  EXPECT_EQ(sens_at(curve, .5).sensitivity, 0) << "the tie may not be split in the system's favour";
}

TEST(Froc, NoNegativesAndNoLesions) {
  std::vector<TruthImage> truth = {{"a", "", {{{0, 0, 10, 10}, 0, false, 100}}, 64, 64}};
  const FrocCurve curve = froc_curve(judge(truth, {}));
  EXPECT_TRUE(std::isnan(sens_at(curve, 1, Denominator::negatives).sensitivity));
  EXPECT_EQ(sens_at(curve, 1).sensitivity, 0);
  truth[0].boxes.clear();
  const FrocCurve none = froc_curve(judge(truth, {{0, {0, 0, 10, 10}, .5, 0}}));
  EXPECT_TRUE(std::isnan(sens_at(none, 1).sensitivity)) << "no lesion: not defined";
  EXPECT_TRUE(std::isnan(none.points[0].sensitivity));
  EXPECT_EQ(none.points[0].fp_per_image, 1);
}

TEST(Froc, CrowdRegionsAreNeitherRightNorWrong) {
  std::vector<TruthImage> truth = {
      {"a", "", {{{0, 0, 10, 10}, 0, false, 100}, {{50, 50, 100, 100}, 0, true, 2500}}, 128, 128}};
  const FrocData data = judge(truth, {{0, {60, 60, 70, 70}, .9, 0}, {0, {20, 20, 30, 30}, .8, 0}});
  EXPECT_EQ(data.lesions[0], 1);
  EXPECT_FALSE(data.judged[0].false_positive);
  EXPECT_TRUE(data.judged[1].false_positive);
}

TEST(Froc, DeepLesionFindsEveryLesionAtOnceAndIobbAcceptsSmallInside) {
  std::vector<TruthImage> truth = {
      {"a", "", {{{0, 0, 9, 9}, 0, false, 81}, {{0, 0, 10, 9}, 0, false, 90}}, 64, 64}};
  const std::vector<Detection> one = {{0, {0, 0, 9, 9}, .9, 0}};
  EXPECT_EQ(judge(truth, one, froc_preset("deeplesion")).judged[0].found, 2);
  EXPECT_EQ(judge(truth, one).judged[0].found, 1);
  const std::vector<Detection> inside = {{0, {2, 2, 4, 4}, .9, 0}};
  EXPECT_EQ(judge(truth, inside, froc_preset("iobb")).judged[0].found, 1);
  EXPECT_TRUE(judge(truth, inside).judged[0].false_positive);
}

TEST(Froc, BoxesOfDeepLesionAreOnePixelWider) {
  // With the pixel 50 / 100, without it 36 / 81.
  const std::vector<TruthImage> truth = {{"a", "", {{{0, 0, 9, 9}, 0, false, 81}}, 64, 64}};
  EXPECT_EQ(judge(truth, {{0, {0, 0, 9, 4}, .9, 0}}, froc_preset("deeplesion")).judged[0].found, 1);
  EXPECT_EQ(judge(truth, {{0, {0, 0, 4, 9}, .9, 0}}, froc_preset("deeplesion")).judged[0].found, 1);
  EXPECT_EQ(judge(truth, {{0, {0, 0, 9, 4}, .9, 0}}).judged[0].found, 0);
  // With the pixel 49 / 100, without it 36 / 81.
  EXPECT_EQ(judge(truth, {{0, {0, 0, 6, 6}, .9, 0}}, froc_preset("deeplesion")).judged[0].found, 0);
}

/// How each detection of one image was judged: T found a lesion, F false, d neither.
std::string judged(const std::vector<TruthBox>& boxes, const std::vector<Detection>& detections,
                   const FrocOptions& options = {}) {
  std::string text;
  for (const Judged& d : judge({{"a", "", boxes, 200, 200}}, detections, options).judged)
    text += d.found > 0 ? 'T' : d.false_positive ? 'F' : 'd';
  return text;
}

TruthBox lesion(const BoxD& box) { return {box, 0, false, box.area()}; }

TEST(Froc, ACentreOnTheBordersOfALesionIsInside) {
  // Detections of 10 x 10 whose centres are the middles of the four sides and the corners of (10, 20, 30, 40).
  const BoxD box{10, 20, 30, 40};
  for (const auto& [x, y] : std::vector<std::pair<double, double>>{
           {10, 30}, {30, 30}, {20, 20}, {20, 40}, {10, 20}, {30, 20}, {10, 40}, {30, 40}})
    EXPECT_EQ(judged({lesion(box)}, {{0, {x - 5, y - 5, x + 5, y + 5}, .9, 0}}, froc_preset("centre")), "T")
        << x << ", " << y;
  for (const auto& [x, y] :
       std::vector<std::pair<double, double>>{{9.5, 30}, {30.5, 30}, {20, 19.5}, {20, 40.5}})
    EXPECT_EQ(judged({lesion(box)}, {{0, {x - 5, y - 5, x + 5, y + 5}, .9, 0}}, froc_preset("centre")), "F")
        << x << ", " << y;
}

TEST(Froc, AnOverlapOfAFifthOrTheCentreIsEnough) {
  const std::vector<TruthBox> one = {lesion({0, 0, 10, 10})};
  const FrocOptions second = froc_preset("overlap_or_centre");
  EXPECT_EQ(judged(one, {{0, {0, 0, 10, 50}, .9, 0}}, second), "T")
      << "an overlap of exactly 0.2, the centre outside";
  EXPECT_EQ(judged(one, {{0, {0, 0, 10, 51}, .9, 0}}, second), "F");
  EXPECT_EQ(judged(one, {{0, {9, 9, 11, 11}, .9, 0}}, second), "T") << "1 / 103, the centre on the corner";
  EXPECT_EQ(judged(one, {{0, {9, 9.25, 11, 11}, .9, 0}}, second), "F");
  EXPECT_EQ(describe(second), "IoU >= 0.2 or centre in the lesion box, duplicates ignored, step");
  // The larger overlap decides which lesion is found, also where the centre lies in the other one.
  const std::vector<TruthBox> two = {lesion({0, 0, 2, 2}), lesion({2, 0, 9, 8})};
  EXPECT_EQ(judged(two, {{0, {-3, -3, 6, 6}, .9, 0}, {0, {2, 0, 9, 8}, .8, 0}}, second), "Td");
}

TEST(Froc, TheSecondRuleIsReadAsTheFirst) {
  FrocOptions first;
  first.mode = SensMode::linear;
  first.duplicates = Duplicates::fp;
  EXPECT_EQ(describe(lenient_rule(first)),
            "IoU >= 0.2 or centre in the lesion box, duplicates count as false, linear");
  EXPECT_EQ(describe(lenient_rule(froc_preset("deeplesion"))),
            "IoU >= 0.2 or centre in the lesion box, duplicates ignored, step");
  for (const char* rule : {"iou", "iobb", "deeplesion"})
    EXPECT_TRUE(takes_threshold(froc_preset(rule).rule)) << rule;
  for (const char* rule : {"centre", "overlap_or_centre"})
    EXPECT_FALSE(takes_threshold(froc_preset(rule).rule)) << rule;
}

TEST(Froc, OfLesionsOverlappedAlikeTheFirstIsFound) {
  // The first detection lies between both lesions: 80 / 120 with each. The second one overlaps only the left one
  // (80 / 120; 40 / 160 with the right one), so it finds something exactly where the first found the right one.
  const TruthBox left = lesion({0, 0, 10, 10}), right = lesion({4, 0, 14, 10});
  const std::vector<Detection> detections = {{0, {2, 0, 12, 10}, .9, 0}, {0, {-2, 0, 8, 10}, .8, 0}};
  EXPECT_EQ(judged({left, right}, detections), "Td");
  EXPECT_EQ(judged({right, left}, detections), "TT");
  // The larger overlap wins against the order: 90 / 110 with the second of the list.
  EXPECT_EQ(judged({right, left}, {{0, {1, 0, 11, 10}, .9, 0}, {0, {-2, 0, 8, 10}, .8, 0}}), "Td");
}

TEST(Froc, OfEqualScoresTheFirstImageAndThenTheFirstDetectionComesFirst) {
  const std::vector<TruthImage> truth(2, {"", "", {lesion({0, 0, 10, 10})}, 64, 64});
  // In image 0 the worse box (IoU 8 / 10) stands before the exact one; image 1's stand before both.
  const std::vector<Detection> detections = {{1, {30, 0, 40, 10}, .5, 0},
                                             {0, {0, 0, 10, 8}, .5, 0},
                                             {0, {0, 0, 10, 10}, .5, 0},
                                             {1, {0, 0, 10, 10}, .5, 0}};
  std::string order;
  for (const Judged& d : judge(truth, detections).judged)
    order += std::to_string(d.image) + (d.found > 0 ? "T " : d.false_positive ? "F " : "d ");
  EXPECT_EQ(order, "0T 0d 1F 1T ");
}

TEST(Froc, HalfInACrowdRegionIsNoFalsePositive) {
  const std::vector<TruthBox> boxes = {lesion({0, 0, 10, 10}), {{50, 0, 100, 100}, 0, true, 5000}};
  // 10 x 10, of which 5, 4.875 and 5.125 columns lie in the region.
  EXPECT_EQ(judged(boxes, {{0, {45, 20, 55, 30}, .9, 0}}), "d") << "exactly half";
  EXPECT_EQ(judged(boxes, {{0, {44.875, 20, 54.875, 30}, .9, 0}}), "F");
  EXPECT_EQ(judged(boxes, {{0, {45.125, 20, 55.125, 30}, .9, 0}}), "d");
}

TEST(Froc, ACrowdRegionIsNoLesionToFind) {
  const std::vector<TruthBox> boxes = {lesion({0, 0, 10, 10}), {{50, 0, 100, 100}, 0, true, 5000}};
  for (const char* rule : {"iou", "centre", "iobb", "deeplesion", "overlap_or_centre"})
    EXPECT_EQ(judged(boxes, {{0, {50, 0, 100, 100}, .9, 0}, {0, {0, 0, 10, 10}, .8, 0}}, froc_preset(rule)),
              "dT")
        << rule;
}

TEST(Froc, OfEqualSensitivitiesTheHighestThresholdIsNamed) {
  // Found at .9; at .7 a false one, at .6 a second detection of the same lesion: 1 from .9 on.
  const FrocCurve curve = froc_curve(
      judge({{"a", "", {lesion({0, 0, 10, 10})}, 64, 64}},
            {{0, {0, 0, 10, 10}, .9, 0}, {0, {30, 30, 40, 40}, .7, 0}, {0, {0, 0, 10, 9}, .6, 0}}));
  ASSERT_EQ(curve.points.size(), 3u);
  for (const double fp : {0.0, 0.5, 1.0, 4.0}) {
    EXPECT_EQ(sens_at(curve, fp).sensitivity, 1) << fp;
    EXPECT_EQ(sens_at(curve, fp).threshold, .9) << fp;
  }
}

TEST(Froc, RefusesBadDetections) {
  EXPECT_THROW(judge(golden_truth(), {{9, {0, 0, 1, 1}, .5, 0}}), Error);
  EXPECT_THROW(judge(golden_truth(), {{0, {0, 0, 1, 1}, NAN, 0}}), Error);
  EXPECT_THROW(judge(golden_truth(), {{0, {5, 0, 1, 1}, .5, 0}}), Error);
  EXPECT_THROW(froc_preset("luna"), Error);
  EXPECT_THROW(parse_duplicates("no"), Error);
}

/// Second implementation: for every score threshold from scratch, greedy over lists.
double slow_sens(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections, double n) {
  double best = 0, lesions = 0;
  for (const auto& t : truth) lesions += double(t.boxes.size());
  for (const Detection& cut : detections) {
    std::multimap<double, size_t, std::greater<double>> kept;
    for (size_t i = 0; i < detections.size(); ++i)
      if (detections[i].score >= cut.score) kept.emplace(detections[i].score, i);
    std::map<std::pair<int64_t, size_t>, bool> found;
    double hits = 0, wrong = 0;
    for (const auto& [score, i] : kept) {
      const Detection& d = detections[i];
      std::pair<double, long> best_free{-1, -1};
      bool any = false;
      for (size_t l = 0; l < truth[size_t(d.image)].boxes.size(); ++l) {
        const double o = iou(d.box, truth[size_t(d.image)].boxes[l].box);
        if (o < 0.5) continue;
        any = true;
        if (!found[{d.image, l}] && o > best_free.first) best_free = {o, long(l)};
      }
      if (best_free.second >= 0) {
        found[{d.image, size_t(best_free.second)}] = true;
        ++hits;
      }
      wrong += !any;
    }
    if (wrong / double(truth.size()) <= n) best = std::max(best, hits / lesions);
  }
  return best;
}

TEST(Froc, AgreesWithASlowSecondImplementation) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed, "test.froc");
    std::vector<TruthImage> truth(6);
    std::vector<Detection> detections;
    for (size_t i = 0; i < truth.size(); ++i) {
      for (uint64_t k = random.next_below(4); k > 0 || (i == 0 && truth[i].boxes.empty()); k -= k > 0) {
        const double x = random.next_uniform(0, 40), y = random.next_uniform(0, 40);
        truth[i].boxes.push_back({{x, y, x + 20, y + 20}, 0, false, 400});
        for (int copy = 0; copy < 2; ++copy) {
          const double dx = random.next_uniform(-9, 9), dy = random.next_uniform(-9, 9);
          detections.push_back({int64_t(i),
                                {x + dx, y + dy, x + dx + 20, y + dy + 20},
                                double(random.next_below(12)) / 12,
                                0});
        }
      }
    }
    // Detections of equal score are taken in image order; the slow version keeps list order, which is the
    // same.
    const FrocData data = judge(truth, detections);
    const FrocCurve curve = froc_curve(data);
    std::vector<double> fast(5);
    const std::vector<double> fps = {0, .2, .5, 1, 2};
    weighted_sens(data, std::vector<int32_t>(truth.size(), 1), fps, fast.data());
    for (size_t k = 0; k < fps.size(); ++k) {
      const double slow = slow_sens(truth, detections, fps[k]);
      EXPECT_DOUBLE_EQ(sens_at(curve, fps[k]).sensitivity, slow) << "seed " << seed << " at " << fps[k];
      EXPECT_DOUBLE_EQ(fast[k], slow);
    }
  }
}

}  // namespace
}  // namespace cawe::eval
