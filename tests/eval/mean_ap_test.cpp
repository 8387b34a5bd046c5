// SPDX-License-Identifier: Apache-2.0
// Average precision against pycocotools, published figures and the worked example.
#include "eval/mean_ap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "eval/froc.h"
#include "tests/data_dir.h"
#include "tests/eval/coco_json.h"
#include "tests/eval/golden_example.h"

namespace cawe::eval {
namespace {

using testing::coco_case;
using testing::load_json;

TEST(CocoSummary, EqualsPycocotoolsOnMadeUpCases) {
  const auto golden = load_json("tests/goldens/eval_metrics.json");
  for (const auto& c : golden.at("coco")) {
    const auto [truth, detections] = coco_case(c.at("truth"), c.at("detections"));
    const auto named = coco_summary(truth, detections).named();
    ASSERT_EQ(named.size(), 12u);
    for (size_t k = 0; k < 12; ++k)
      EXPECT_NEAR(named[k].second, c.at("expected")[k].get<double>(), 1e-9) << named[k].first;
  }
}

TEST(CocoSummary, GoldenExampleAndWeightedForm) {
  const auto truth = testing::golden_truth();
  const auto detections = testing::golden_detections();
  EXPECT_NEAR(coco_summary(truth, detections).ap50, .614961, 5e-7);
  const Ap50 ap50(truth, detections);
  EXPECT_NEAR(ap50.value(), .614961, 5e-7);
  EXPECT_TRUE(std::isnan(ap50.value({0, 0, 0, 3})));
  // Only image C drawn: a miss, then a hit: precision 1/2 at every recall.
  EXPECT_DOUBLE_EQ(ap50.value({0, 0, 2, 0}), .5);
}

/// One image with one true box in a corner, found exactly at score .5, and one false box at .9 far away from it,
/// both `width` x `height`; the truth has `area`.
CocoSummary sized(double width, double height, double area) {
  const std::vector<TruthImage> truth = {{"a", "", {{{0, 0, width, height}, 0, false, area}}, 999, 999}};
  return coco_summary(truth,
                      {{0, {0, 0, width, height}, .5, 0}, {0, {500, 500, 500 + width, 500 + height}, .9, 0}});
}

// A false box before the right one halves the precision at every recall. What is outside a range is ignored; a
// limit belongs to both of its ranges, for true boxes and for false ones (pycocotools: area < low or area > high is
// out). The same numbers came out of pycocotools 2.0 for these inputs.
TEST(CocoSummary, AreasOnARangesLimitAreInBothRanges) {
  CocoSummary s = sized(32, 32, 32 * 32);
  EXPECT_NEAR(s.ap_small, .5, 1e-9);
  EXPECT_NEAR(s.ap_medium, .5, 1e-9);
  EXPECT_TRUE(std::isnan(s.ap_large));
  s = sized(96, 96, 96 * 96);
  EXPECT_TRUE(std::isnan(s.ap_small));
  EXPECT_NEAR(s.ap_medium, .5, 1e-9);
  EXPECT_NEAR(s.ap_large, .5, 1e-9);
  s = sized(33, 32,
            32 * 32);  // the false box is larger than small ones are; the truth has a mask of 1024 pixels
  EXPECT_NEAR(s.ap_small, 1, 1e-9);
  EXPECT_NEAR(s.ap_medium, .5, 1e-9);
  s = sized(96, 95, 96 * 96);  // the false box is smaller than large ones are
  EXPECT_NEAR(s.ap_medium, .5, 1e-9);
  EXPECT_NEAR(s.ap_large, 1, 1e-9);
  EXPECT_TRUE(std::isnan(sized(32, 32, 32 * 32 + 1).ap_small));
  EXPECT_TRUE(std::isnan(sized(32, 32, 32 * 32 - 1).ap_medium));
}

TEST(CocoSummary, AHundredDetectionsOfAnImageCount) {
  // The right box comes after `false_ones` others: precision 1 / (false_ones + 1) at every recall, or nothing.
  const auto behind = [](int false_ones) {
    const std::vector<TruthImage> truth = {{"a", "", {{{0, 0, 40, 40}, 0, false, 1600}}, 999, 999}};
    std::vector<Detection> detections = {{0, {0, 0, 40, 40}, .1, 0}};
    for (int k = 0; k < false_ones; ++k) detections.push_back({0, {500, 500, 540, 540}, .9, 0});
    EXPECT_NEAR(Ap50(truth, detections).value(), false_ones < 100 ? 1.0 / (false_ones + 1) : 0, 1e-12);
    return coco_summary(truth, detections);
  };
  EXPECT_NEAR(behind(99).ap, .01, 1e-9);
  EXPECT_EQ(behind(99).ar100, 1);
  EXPECT_EQ(behind(100).ap, 0);
  EXPECT_EQ(behind(100).ar100, 0);
  EXPECT_EQ(behind(9).ar10, 1);
  EXPECT_EQ(behind(10).ar10, 0);
  EXPECT_EQ(behind(0).ar1, 1);
  EXPECT_EQ(behind(1).ar1, 0);
}

TEST(CocoSummary, OverlapsOfExactlyAThresholdMatch) {
  // IoU 1/2 and 3/4: hits at .5, and at .5 to .75 (6 of 10 thresholds).
  const std::vector<TruthImage> truth = {{"a", "", {{{0, 0, 40, 40}, 0, false, 1600}}, 999, 999}};
  CocoSummary s = coco_summary(truth, {{0, {0, 0, 40, 20}, .5, 0}});
  EXPECT_NEAR(s.ap50, 1, 1e-9);
  EXPECT_NEAR(s.ap, .1, 1e-9);
  s = coco_summary(truth, {{0, {0, 0, 40, 30}, .5, 0}});
  EXPECT_NEAR(s.ap75, 1, 1e-9);
  EXPECT_NEAR(s.ap, .6, 1e-9);
}

TEST(CocoSummary, PublishedValuesOfCoco100) {
  CAWE_NEEDS_DATA("eval/coco100");
  const auto dir = cawe::testing::data_dir() / "eval/coco100";
  const auto [truth, detections] =
      coco_case(load_json(dir / "ground_truth.json"), load_json(dir / "detections.json"));
  const auto expected = load_json(dir / "expected.json").at("published");
  for (const auto& [name, value] : coco_summary(truth, detections).named())
    EXPECT_NEAR(value, expected.at(name).get<double>(), 1e-6) << name;
}

TEST(CocoSummary, TuberculosisBoxes) {
  CAWE_NEEDS_DATA("eval/tb");
  const auto dir = cawe::testing::data_dir() / "eval/tb";
  const auto [truth, detections] =
      coco_case(load_json(dir / "ground_truth.json"), load_json(dir / "detections.json"));
  const auto expected = load_json(dir / "expected.json").at("coco");
  for (const auto& [name, value] : coco_summary(truth, detections).named())
    EXPECT_NEAR(value, expected.at(name).get<double>(), 1e-6) << name;
}

TEST(FrocOnRealBoxes, TuberculosisUnderBothDuplicateRules) {
  CAWE_NEEDS_DATA("eval/tb");
  const auto dir = cawe::testing::data_dir() / "eval/tb";
  const auto [truth, detections] =
      coco_case(load_json(dir / "ground_truth.json"), load_json(dir / "detections.json"));
  const auto expected = load_json(dir / "expected.json");
  const auto compare = [&, &truth = truth, &detections = detections](const std::string& name,
                                                                     const FrocOptions& options) {
    const FrocCurve curve = froc_curve(judge(truth, detections, options));
    double mean = 0;
    for (const SensAt& s : sens_at(curve, luna_fps())) mean += s.sensitivity / 7;
    for (const auto& [fp, value] : expected.at(name).items()) {
      const double ours = fp == "mean" ? mean : sens_at(curve, std::stod(fp)).sensitivity;
      // The mean given is that of the rounded values.
      EXPECT_NEAR(ours, value.get<double>(), fp == "mean" ? 1e-6 : 5.1e-7) << name << " at " << fp;
    }
  };
  FrocOptions options;
  compare("froc_iou_0.5_duplicates_ignored", options);
  options.duplicates = Duplicates::fp;
  compare("froc_iou_0.5_duplicates_fp", options);
  options.threshold = 0.3;
  compare("froc_iou_0.3_duplicates_fp", options);
  options.rule = FrocRule::centre;
  compare("froc_centre_duplicates_fp", options);
}

TEST(PascalAp, PublishedSample) {
  CAWE_NEEDS_DATA("eval/pascal_case1");
  const auto dir = cawe::testing::data_dir() / "eval/pascal_case1";
  std::vector<TruthImage> truth;
  std::vector<Detection> detections;
  for (int64_t i = 0; i < 7; ++i) {
    truth.emplace_back();
    const std::string file = "0000" + std::to_string(i + 1) + ".txt";
    std::string label;
    double score = 0, x = 0, y = 0, w = 0, h = 0;
    for (std::ifstream in(dir / "gts" / file); in >> label >> x >> y >> w >> h;)
      truth.back().boxes.push_back({{x, y, x + w, y + h}, 0, false, w * h});
    for (std::ifstream in(dir / "dets" / file); in >> label >> score >> x >> y >> w >> h;)
      detections.push_back({i, {x, y, x + w, y + h}, score, 0});
  }
  ASSERT_EQ(count_lesions(truth), 15);
  ASSERT_EQ(detections.size(), 24u);
  const auto expected = load_json(dir / "expected.json");
  for (const auto& [threshold, value] : expected.at("11_point").items()) {
    const PascalAp ap = pascal_ap(truth, detections, std::stod(threshold));
    EXPECT_NEAR(ap.eleven_point, value.get<double>(), 1e-9) << "11 points at " << threshold;
    EXPECT_NEAR(ap.every_point, expected.at("every_point").at(threshold).get<double>(), 1e-9)
        << "every point at " << threshold;
  }
}

TEST(PascalAp, ByHand) {
  // The example's order: TP FP FP TP FP TP FP FP TP over 4 lesions (a duplicate is a false positive).
  const PascalAp ap = pascal_ap(testing::golden_truth(), testing::golden_detections(), .5, false);
  EXPECT_NEAR(ap.every_point, .25 * (1 + .5 + .5 + 4.0 / 9), 1e-12);
  EXPECT_NEAR(ap.eleven_point, (3 * 1 + 3 * .5 + 2 * .5 + 3 * 4.0 / 9) / 11, 1e-12);
}

// By hand: on and in the crowd region nothing counts, half in it is enough; a lesion in it is found; less than half is a
// false positive. So hit, false positive, hit over 2 lesions.
TEST(PascalAp, WhatLiesInACrowdRegionIsLeftOut) {
  const std::vector<TruthImage> truth = {
      {"a",
       "",
       {{{0, 20, 20, 40}, 0, true, 400}, {{0, 0, 10, 10}, 0, false, 100}, {{10, 30, 20, 40}, 0, false, 100}},
       64,
       64}};
  const std::vector<Detection> detections = {{0, {0, 20, 20, 40}, .95, 0}, {0, {2, 22, 6, 26}, .9, 0},
                                             {0, {0, 15, 10, 25}, .85, 0}, {0, {0, 0, 10, 10}, .7, 0},
                                             {0, {0, 10, 10, 26}, .6, 0},  {0, {10, 30, 20, 40}, .5, 0}};
  const PascalAp ap = pascal_ap(truth, detections, .5, false);
  EXPECT_NEAR(ap.every_point, .5 * (1 + 2.0 / 3), 1e-12);
  EXPECT_NEAR(ap.eleven_point, (6 * 1 + 5 * 2.0 / 3) / 11, 1e-12);
}

}  // namespace
}  // namespace cawe::eval
