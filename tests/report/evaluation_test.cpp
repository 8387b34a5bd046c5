// SPDX-License-Identifier: Apache-2.0
// What an evaluation writes: text, results.json, froc.csv, froc.svg, and a study's results.csv.
#include "report/evaluation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "eval/subgroups.h"
#include "report/results_csv.h"
#include "tensor/io/files.h"
#include "tests/data/text_file.h"
#include "tests/eval/coco_json.h"
#include "tests/eval/golden_example.h"

namespace cawe::report {
namespace {

using cawe::testing::TempDir;

eval::Evaluation golden(bool patients_known = true) {
  eval::EvaluateOptions options;
  options.draws = 100;
  return eval::evaluate(eval::testing::golden_truth(), eval::testing::golden_detections(), options,
                        patients_known);
}

TEST(EvaluationFiles, HoldTheFiguresAndParse) {
  const TempDir dir;
  const eval::Evaluation e = golden();
  write_evaluation(e, dir.path("out"), "golden");
  const auto json = eval::testing::load_json(dir.path("out/results.json"));
  EXPECT_DOUBLE_EQ(json["sens"]["0.5"]["value"].get<double>(), .75);
  EXPECT_DOUBLE_EQ(json["sens"]["0.5"]["threshold"].get<double>(), .6);
  EXPECT_TRUE(json["sens"]["8"]["curve_ends"].get<bool>());
  EXPECT_TRUE(json["coco"]["APlarge"].is_null());
  EXPECT_EQ(json["bootstrap"]["unit"], "patient");
  EXPECT_EQ(json["bootstrap"]["varies"], "patients, not weights");
  EXPECT_EQ(json["bootstrap"]["further_draws"], 100);
  const std::string csv = read_file(dir.path("out/froc.csv"));
  EXPECT_EQ(csv.substr(0, csv.find('\n')),
            "threshold,sensitivity,fp_per_image,fp_per_negative,found,false_positives");
  EXPECT_NE(csv.find("\n0.8,0.5,0.25,1,2,1\n"), std::string::npos);
  const std::string svg = read_file(dir.path("out/froc.svg"));
  EXPECT_NE(svg.find("<title"), std::string::npos);
  EXPECT_NE(svg.find("<desc"), std::string::npos);
  EXPECT_NE(evaluation_text(e).find("curve ends at 1.000"), std::string::npos);
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path("out")))
    files += entry.is_regular_file();
  EXPECT_EQ(files, 3u) << "no temporary file is left";
  ASSERT_EQ(evaluation_files().size(), files);
  for (const auto& [name, head] : evaluation_files())
    EXPECT_EQ(read_file(dir.path("out/" + name)).substr(0, head.size()), head) << name;
}

TEST(EvaluationFiles, SayHowManyFilmsTrainedTheDetector) {
  eval::Evaluation e = golden();
  EXPECT_EQ(evaluation_json(e).find("films_that_trained"), std::string::npos) << "not of files";
  const auto trained = [&] { return nlohmann::json::parse(evaluation_json(e))["films_that_trained"]; };
  e.films = {true, "", 0, 0};
  EXPECT_TRUE(trained().is_null()) << "nobody knows without a list";
  e.films = {true, "d.films.csv", 0, 0};
  EXPECT_EQ(trained(), 0);
  e.films.trained = 3;
  EXPECT_EQ(trained(), 3);
}

// Values as worked by hand in tests/eval.
TEST(EvaluationFiles, HoldTheFurtherFigures) {
  eval::EvaluateOptions options;
  options.draws = 100;
  options.threshold = .6;
  const auto truth = eval::testing::golden_truth();
  const auto detections = eval::testing::golden_detections();
  eval::Evaluation e = eval::evaluate(truth, detections, options);
  e.lesions_by =
      eval::lesion_groups("finding", {"nodule"}, truth, {{0, 0}, {-1}, {-1}, {}}, {&detections}, options);
  const auto json = nlohmann::json::parse(evaluation_json(e));
  const auto value = [](const nlohmann::json& interval) { return interval["value"].get<double>(); };
  EXPECT_EQ(json["sens_lenient"]["rule"], "IoU >= 0.2 or centre in the lesion box, duplicates ignored, step");
  EXPECT_DOUBLE_EQ(value(json["sens_lenient"]["sens"]["1"]), 1);
  EXPECT_DOUBLE_EQ(value(json["sens_lenient"]["sens_mean_1_2_3_4"]), 1);
  EXPECT_DOUBLE_EQ(value(json["afroc"]["jafroc"]), .25);
  EXPECT_DOUBLE_EQ(value(json["afroc"]["wafroc"]), .5 / 3);
  EXPECT_DOUBLE_EQ(value(json["afroc"]["jafroc1"]), .625);
  EXPECT_DOUBLE_EQ(value(json["afroc"]["wafroc1"]), 7 / 12.0);
  EXPECT_DOUBLE_EQ(value(json["froc_area"]["4"]), .890625);
  EXPECT_TRUE(json["froc_area"]["8"]["curve_ends"].get<bool>());
  EXPECT_TRUE(json["lroc"]["area"]["value"].is_null());
  EXPECT_EQ(json["lroc"]["undefined"], "1 film has several lesions");
  EXPECT_DOUBLE_EQ(value(json["at_threshold"]["sensitivity"]), .75);
  EXPECT_EQ(json["at_threshold"]["false_positives"], 2);
  EXPECT_TRUE(json["calibration"]["undefined"].is_null());
  EXPECT_NEAR(value(json["calibration"]["equal_width"]["ece"]), 3.75 / 8, 1e-12);
  EXPECT_EQ(json["calibration"]["equal_count"]["bins"].size(), 8u);
  EXPECT_EQ(json["lesions_by"][0]["group"], "nodule");
  EXPECT_DOUBLE_EQ(value(json["lesions_by"][0]["sens_mean_1_2_3_4"]), 1);
  const std::string text = evaluation_text(e);
  for (const char* part : {"second rule: IoU >= 0.2 or centre", "JAFROC 0.2500 [",
                           "LROC: n/a, 1 film has several lesions", "to 4 FP/image 0.8906 [", "ECE 0.4688 [",
                           "at score >= 0.6000: sensitivity 0.7500", "by finding, mean"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  EXPECT_FALSE(nlohmann::json::parse(evaluation_json(golden())).contains("at_threshold")) << "none was given";
}

TEST(EvaluationFiles, SayHowAThresholdWasChosen) {
  eval::EvaluateOptions options;
  options.draws = 100;
  const auto evaluated = [&] {
    return eval::evaluate(eval::testing::golden_truth(), eval::testing::golden_detections(), options);
  };
  const auto at = [](const eval::Evaluation& e) {
    return nlohmann::json::parse(evaluation_json(e)).value("at_threshold", nlohmann::json());
  };
  EXPECT_TRUE(at(evaluated()).is_null()) << "nobody asked";
  options.threshold = .6;
  EXPECT_FALSE(at(evaluated()).contains("chosen")) << "it was given";
  options.threshold_from = "chosen on 4 validation films";
  EXPECT_EQ(at(evaluated())["chosen"], "chosen on 4 validation films");
  EXPECT_EQ(at(evaluated())["sensitivity"]["value"], .75);
  EXPECT_NE(evaluation_text(evaluated()).find("  fixed threshold: chosen on 4 validation films\n"),
            std::string::npos);
  options.threshold = std::nan("");
  options.threshold_from = "no threshold from 4 validation films: nothing";
  EXPECT_TRUE(at(evaluated())["threshold"].is_null());
  EXPECT_EQ(at(evaluated())["chosen"], "no threshold from 4 validation films: nothing");
  EXPECT_FALSE(at(evaluated()).contains("sensitivity"));
}

TEST(EvaluationText, SaysWherePatientsAreUnknown) {
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  const std::string known = evaluation_text(golden()), images = evaluation_text(golden(false));
  EXPECT_TRUE(has(known, "3 patients") && has(known, "intervals: patient bootstrap")) << known;
  EXPECT_TRUE(has(images, "intervals are over images") && has(images, "intervals: image bootstrap"))
      << images;
  EXPECT_TRUE(has(known, "of these detections, 100 draws, seed 0; another training's differ by more"))
      << known;
  eval::Evaluation many = golden();
  many.options.draws = 20000;
  EXPECT_TRUE(has(evaluation_text(many),
                  "20000 draws (second rule, fixed threshold, areas, calibration and groups of lesions: the "
                  "first 2000), seed"))
      << evaluation_text(many);
  EXPECT_EQ(nlohmann::json::parse(evaluation_json(many))["bootstrap"]["further_draws"], 2000);
  for (const char* word : {"patient", "person"}) EXPECT_FALSE(has(images, word)) << images;
  const nlohmann::json json = nlohmann::json::parse(evaluation_json(golden(false)));
  EXPECT_EQ(json["split_unit"], "image");
  EXPECT_EQ(json["bootstrap"]["unit"], "image");
  EXPECT_TRUE(json["patients"].is_null());
  EXPECT_EQ(json["units"], 3) << "what patients are is not asked: the ids are drawn as they are";
}

TEST(EvaluationText, SaysGroupsOfFilms) {
  eval::Evaluation e = golden();
  e.unit = data::FilmUnit::group;
  e.patients_known = false;
  const std::string text = evaluation_text(e);
  EXPECT_NE(text.find("3 groups of films"), std::string::npos) << text;
  EXPECT_EQ(text.find("patient"), std::string::npos) << text;
  EXPECT_EQ(nlohmann::json::parse(evaluation_json(e))["split_unit"], "group");
}

TEST(ResultsCsv, HasTheContractsColumnsAndThePapersOrder) {
  const TempDir dir;
  const eval::Evaluation e = golden();
  ResultRow control = result_row("retinanet", "cawe-shuffled", "0", e),
            last = result_row("retinanet", "cawe", "0", e), first = result_row("faster_rcnn", "afda", "1", e);
  set_differences(&last, eval::compare({&e}, {&e}));
  const std::string path = dir.path("results.csv");
  write_results_csv(path, {control, last, first});
  const std::string text = read_file(path);
  EXPECT_EQ(
      text.substr(0, text.find('\n')),
      "detector,enhancement,seed,sens@1,sens@2,sens@3,sens@4,ci_low@1,ci_high@1,ci_low@2,ci_high@2,ci_low@3,"
      "ci_high@3,ci_low@4,ci_high@4,delta@1,p@1,delta@2,p@2,delta@3,p@3,delta@4,p@4,map50,froc_rule,images,"
      "patients,lesions,mean,p_holm,seeds,family,split_unit,units");
  const size_t f = text.find("faster_rcnn,afda,1,1,1,1,1,"), l = text.find("retinanet,cawe,0,"),
               c = text.find("retinanet,cawe-shuffled,0,");
  EXPECT_LT(f, l);
  EXPECT_LT(l, c);
  EXPECT_NE(c, std::string::npos);
  EXPECT_NE(text.find(",0,1,0,1,0,1,0,1,0.61496"), std::string::npos);
  EXPECT_NE(text.find("iou>=0.5;duplicates=ignore;step,4,3,4,1,,1,,patient,3"), std::string::npos);
  EXPECT_THROW(write_results_csv(dir.path("no/such/results.csv"), {last}), Error);
}

}  // namespace
}  // namespace cawe::report
