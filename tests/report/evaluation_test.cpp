// SPDX-License-Identifier: Apache-2.0
// What an evaluation writes: text, results.json, froc.csv, froc.svg, and a study's results.csv.
#include "report/evaluation.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

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

TEST(EvaluationText, SaysWherePatientsAreUnknown) {
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  const std::string known = evaluation_text(golden()), images = evaluation_text(golden(false));
  EXPECT_TRUE(has(known, "3 patients") && has(known, "intervals: patient bootstrap")) << known;
  EXPECT_TRUE(has(images, "intervals are over images") && has(images, "intervals: image bootstrap"))
      << images;
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
      "patients,lesions,split_unit,units");
  const size_t f = text.find("faster_rcnn,afda,1,1,1,1,1,"), l = text.find("retinanet,cawe,0,"),
               c = text.find("retinanet,cawe-shuffled,0,");
  EXPECT_LT(f, l);
  EXPECT_LT(l, c);
  EXPECT_NE(c, std::string::npos);
  EXPECT_NE(text.find(",0,1,0,1,0,1,0,1,0.61496"), std::string::npos);
  EXPECT_NE(text.find("iou>=0.5;duplicates=ignore;step,4,3,4,patient,3"), std::string::npos);
  EXPECT_THROW(write_results_csv(dir.path("no/such/results.csv"), {last}), Error);
}

}  // namespace
}  // namespace cawe::report
