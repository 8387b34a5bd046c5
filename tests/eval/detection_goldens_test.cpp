// SPDX-License-Identifier: Apache-2.0
// JAFROC, area under FROC, LROC, the second rule, calibration and fixed thresholds against a second implementation in NumPy
// (scripts/goldens/detection_metrics.py), of whole sets and of drawn ones.
#include <gtest/gtest.h>

#include <cmath>

#include "eval/calibration.h"
#include "eval/evaluate.h"
#include "eval/jafroc.h"
#include "eval/lroc.h"
#include "eval/operating_point.h"
#include "eval/subgroups.h"
#include "tests/eval/coco_json.h"
#include "tests/eval/philox_films.h"

namespace cawe::eval {
namespace {

using nlohmann::json;
using testing::PhiloxFilms;

constexpr double kExact = 1e-12;

/// null of the goldens is NaN here.
void expect_value(const json& expected, double value, const std::string& what) {
  if (expected.is_null())
    EXPECT_TRUE(std::isnan(value)) << what << " is " << value;
  else
    EXPECT_NEAR(value, expected.get<double>(), kExact) << what;
}

void expect_calibration(const json& expected, const CalibrationStatistic& statistic,
                        const std::vector<int32_t>& weights, const std::string& what) {
  std::vector<double> v(size_t(statistic.values()));
  statistic.value(weights, v.data());
  expect_value(expected["width"]["ece"], v[10], what + " ECE by width");
  expect_value(expected["width"]["mce"], v[11], what + " MCE by width");
  expect_value(expected["count"]["ece"], v[22], what + " ECE by count");
  expect_value(expected["count"]["mce"], v[23], what + " MCE by count");
  expect_value(expected["brier"], v[24], what + " Brier");
  const auto filled = [&](size_t first) {
    int bins = 0;
    for (size_t b = first; b < first + 10; ++b) bins += !std::isnan(v[b]);
    return bins;
  };
  EXPECT_EQ(filled(0), expected["width"]["bins"].get<int>()) << what;
  EXPECT_EQ(filled(12), expected["count"]["bins"].get<int>()) << what;
}

void expect_figures(const json& expected, const FrocData& data, const std::vector<int32_t>& weights,
                    const std::string& what) {
  const Jafroc afroc(data);
  expect_value(expected["jafroc"], afroc.jafroc.value(weights), what + " JAFROC");
  expect_value(expected["wafroc"], afroc.wafroc.value(weights), what + " wAFROC");
  expect_value(expected["jafroc1"], afroc.jafroc1.value(weights), what + " JAFROC1");
  expect_value(expected["wafroc1"], afroc.wafroc1.value(weights), what + " wAFROC1");
  std::vector<double> v(4);
  froc_area(data, weights, {0.25, 1, 4, 8}, v.data());
  for (size_t k = 0; k < 4; ++k) expect_value(expected["froc_area"][k], v[k], what + " area under FROC");
  weighted_sens(data, weights, {1, 2, 3, 4}, v.data());
  for (size_t k = 0; k < 4; ++k) expect_value(expected["sens"][k], v[k], what + " Sens@N");
  const Lroc lroc(data);
  expect_value(expected["lroc"], lroc.area(weights), what + " LROC");
  expect_value(expected["correct_localisation"], lroc.correct_localisation(weights), what + " localisation");
  expect_calibration(expected["calibration"], CalibrationStatistic(scored_detections(data)), weights, what);
}

struct Case {
  const char* name;
  uint64_t seed;
  int64_t films;
  int fewest, most;
};
const Case kCases[] = {{"usual", 1, 60, 0, 3},          {"one_lesion", 2, 60, 0, 1},
                       {"no_lesion_free", 3, 25, 1, 2}, {"no_lesion", 4, 12, 0, 0},
                       {"one_film", 6, 1, 2, 2},        {"one_lesion_no_lesion_free", 7, 20, 1, 1}};

FrocOptions rule_named(const std::string& name) {
  FrocOptions options = froc_preset(name == "iou_fp" ? "iou" : name);
  if (name == "iou_fp") options.duplicates = Duplicates::fp;
  return options;
}

TEST(DetectionGoldens, FiguresOfWholeAndOfDrawnSets) {
  const json golden = testing::load_json("tests/goldens/detection_metrics.json");
  ASSERT_EQ(golden.size(), std::size(kCases));
  for (const Case& c : kCases) {
    const PhiloxFilms films = testing::philox_films(c.seed, c.films, c.fewest, c.most);
    const json& expected = golden.at(c.name);
    ASSERT_EQ(films.detections.size(), expected["detections"].get<size_t>()) << c.name;
    for (const char* rule : {"iou", "iou_fp", "overlap_or_centre"}) {
      const std::string what = std::string(c.name) + ", " + rule;
      const FrocData data = judge(films.truth, films.detections, rule_named(rule));
      expect_figures(expected[rule]["whole"], data, std::vector<int32_t>(films.truth.size(), 1), what);
      expect_figures(expected[rule]["drawn"], data, films.times, what + ", drawn");
      Clusters persons;
      persons.of_item = patient_index(films.truth, &persons.count);
      const OperatingPoint half = operating_point(data, persons, 0.5, 10, 0);
      expect_value(expected[rule]["whole"]["at_half"][0], half.sensitivity.value, what + " at .5");
      expect_value(expected[rule]["whole"]["at_half"][1], half.fp_per_image.value, what + " at .5");
      const ThresholdChoice chosen = choose_threshold(data, 1);
      if (!expected[rule]["threshold_at_1"].is_null()) {
        expect_value(expected[rule]["threshold_at_1"], chosen.threshold, what + " threshold");
        EXPECT_EQ(chosen.note, "");
      } else {
        EXPECT_NE(chosen.note.find("never reach 1"), std::string::npos) << what;
      }
    }
    const LesionGrouping thirds = size_thirds(films.truth);
    if (expected["thirds"].is_null()) {
      EXPECT_TRUE(thirds.names.empty());
      continue;
    }
    std::vector<int> lesions(3, 0);
    for (const auto& image : thirds.group)
      for (const int g : image) ++lesions[size_t(g)];
    EXPECT_EQ(lesions, expected["thirds"]["lesions"].get<std::vector<int>>()) << c.name;
    for (size_t k = 0; k < 2; ++k) expect_value(expected["thirds"]["limits"][k], thirds.limits[k], c.name);
  }
}

// evaluate() puts each figure where it belongs, and its intervals are those of the same draws.
TEST(DetectionGoldens, AnEvaluationHoldsThem) {
  const json golden = testing::load_json("tests/goldens/detection_metrics.json");
  for (const char* name : {"usual", "one_lesion"}) {
    const Case& c = kCases[std::string(name) == "usual" ? 0 : 1];
    const PhiloxFilms films = testing::philox_films(c.seed, c.films, c.fewest, c.most);
    EvaluateOptions options;
    options.draws = 60;
    options.threshold = 0.5;
    const Evaluation e = evaluate(films.truth, films.detections, options);
    const json &first = golden[name]["iou"]["whole"], &second = golden[name]["overlap_or_centre"]["whole"];
    expect_value(first["jafroc"], e.jafroc.jafroc.value, "JAFROC");
    expect_value(first["wafroc"], e.jafroc.wafroc.value, "wAFROC");
    expect_value(first["jafroc1"], e.jafroc.jafroc1.value, "JAFROC1");
    expect_value(first["wafroc1"], e.jafroc.wafroc1.value, "wAFROC1");
    ASSERT_EQ(e.froc_area.size(), 2u);
    expect_value(first["froc_area"][2], e.froc_area[0].area.value, "area to 4");
    expect_value(first["froc_area"][3], e.froc_area[1].area.value, "area to 8");
    EXPECT_TRUE(e.froc_area[1].curve_ends);
    expect_value(first["lroc"], e.lroc.area.value, "LROC");
    expect_value(first["correct_localisation"], e.lroc.correct_localisation.value, "localisation");
    EXPECT_EQ(e.lroc.undefined.empty(), std::string(name) == "one_lesion");
    double mean = 0;
    for (size_t k = 0; k < 4; ++k) {
      expect_value(second["sens"][k], e.sens_lenient.sens[k].value, "second rule");
      mean += second["sens"][k].get<double>() / 4;
    }
    EXPECT_NEAR(e.sens_lenient.mean.value, mean, kExact);
    expect_value(first["calibration"]["width"]["ece"], e.calibration.width.ece.value, "ECE");
    expect_value(first["calibration"]["count"]["mce"], e.calibration.count.mce.value, "MCE");
    expect_value(first["calibration"]["brier"], e.calibration.brier.value, "Brier");
    expect_value(first["at_half"][0], e.at_threshold.sensitivity.value, "at .5");
    expect_value(first["at_half"][1], e.at_threshold.fp_per_image.value, "at .5");
    // The interval of JAFROC from draws made here.
    Clusters persons;
    persons.of_item = patient_index(films.truth, &persons.count);
    const Jafroc afroc(judge(films.truth, films.detections));
    std::vector<double> drawn;
    std::vector<int32_t> weights;
    for (uint64_t b = 0; b < 60; ++b) {
      draw_weights(persons, options.seed, b, &weights);
      drawn.push_back(afroc.jafroc.value(weights));
    }
    EXPECT_DOUBLE_EQ(e.jafroc.jafroc.low, quantile(drawn, 0.025));
    EXPECT_DOUBLE_EQ(e.jafroc.jafroc.high, quantile(drawn, 0.975));
  }
}

}  // namespace
}  // namespace cawe::eval
