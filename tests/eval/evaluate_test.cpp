// SPDX-License-Identifier: Apache-2.0
// The whole evaluation of files.
#include "eval/evaluate.h"

#include <array>
#include <cmath>

#include "eval/films.h"
#include "tensor/error.h"
#include "tests/data_dir.h"
#include "tests/eval/coco_json.h"
#include "tests/eval/evaluated_files.h"
#include "tests/eval/golden_example.h"

namespace cawe::eval {
namespace {

using Evaluate = EvaluatedFiles;

TEST_F(Evaluate, GoldenExampleFromFiles) {
  const Evaluation e = evaluate_files({golden_detections_csv(), golden_csv(), golden_patients()}, quick());
  EXPECT_EQ(e.images, 4);
  EXPECT_EQ(e.patients, 3);
  EXPECT_EQ(e.negatives, 1);
  EXPECT_EQ(e.lesions, 4);
  EXPECT_DOUBLE_EQ(e.at(.5).at.sensitivity, .75);
  EXPECT_DOUBLE_EQ(e.at(1).at.sensitivity, 1);
  EXPECT_DOUBLE_EQ(e.at(1).negatives.sensitivity, .75);
  EXPECT_DOUBLE_EQ(e.mean_paper.value, 1);
  EXPECT_NEAR(e.mean_luna.value, (.25 + .5 + .75 + 1 + 1 + 1 + 1) / 7, 1e-12);
  EXPECT_NEAR(e.map50.value, .614961, 5e-7);
  ASSERT_FALSE(e.notes.empty());
  EXPECT_EQ(e.notes[0], "1 duplicate row of the truth dropped");
}

TEST_F(Evaluate, WithoutPatientsTheResultSaysSo) {
  const Evaluation e = evaluate_files({golden_detections_csv(), golden_csv(), ""}, quick());
  EXPECT_FALSE(e.patients_known);
  EXPECT_EQ(e.patients, 4);
}

// Two films of one lesion each were looked at, of a truth of five. By hand: A's lesion is found at .9, B's is not and
// has a false positive at .8, so one of two lesions at 1/2 false positive an image; over all five films it would be one
// of four at 1/5.
TEST_F(Evaluate, OnlyFilmsThatWereLookedAtAreJudged) {
  const std::string truth = write("t.csv",
                                  "patientId,x,y,width,height,Target\nA,0,0,10,10,1\nB,0,0,10,10,1\n"
                                  "C,0,0,10,10,1\nD,0,0,10,10,1\nE,,,,,0\n");
  const std::string rows =
      "image,patient,x,y,width,height,score,label\nA,A,0,0,10,10,.9,lesion\nB,B,50,50,10,10,.8,lesion\n";
  const std::string detections = write("d.csv", rows);
  const auto noted = [](const Evaluation& e, const std::string& part) {
    for (const std::string& line : e.notes)
      if (line.find(part) != line.npos) return true;
    return false;
  };
  const Evaluation all = evaluate_files({detections, truth, "", ""}, quick());
  EXPECT_EQ(all.images, 5);
  EXPECT_DOUBLE_EQ(all.at(4).at.sensitivity, .25);
  EXPECT_TRUE(noted(all, "every film of the truth counts as looked at"));
  EXPECT_TRUE(all.films.list.empty());
  const std::string list =
      write("d.films.csv", "image,patient,width,height,boxes\nB,,64,64,1\nA,P7,64,64,1\n");
  const Evaluation seen = evaluate_files({detections, truth, "", ""}, quick());
  EXPECT_EQ(seen.images, 2);
  EXPECT_EQ(seen.lesions, 2);
  EXPECT_EQ(seen.films.list, list);
  EXPECT_EQ(seen.films.left_out, 3);
  EXPECT_DOUBLE_EQ(seen.at(.5).at.sensitivity, .5);
  EXPECT_DOUBLE_EQ(seen.curve.points.back().fp_per_image, .5);
  EXPECT_TRUE(noted(seen, "3 films of the truth are left out"));
  EXPECT_TRUE(noted(seen, "1 of 2 films names no person"));
  EXPECT_FALSE(noted(seen, "counts as looked at"));
  // COCO's form, and one that is named.
  const std::string coco =
      write("mine.json", R"({"images":[{"id":"A","file_name":"A"},{"id":"E","file_name":"E.dcm"}]})");
  const Evaluation two =
      evaluate_files({write("a.csv", rows.substr(0, rows.find("B,B"))), truth, "", coco}, quick());
  EXPECT_EQ(two.images, 2);
  EXPECT_DOUBLE_EQ(two.at(.125).at.sensitivity, 1);
  EXPECT_FALSE(two.patients_known);
  const auto says = [&](const std::string& films, const std::string& part) {
    try {
      evaluate_files({detections, truth, "", write("l.csv", films)}, quick());
      ADD_FAILURE() << "expected: " << part;
    } catch (const Error& error) {
      EXPECT_EQ(exit_code(error.code()), 3);
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  says("image\nA\nB\nX\nY\n", "line 4: film 'X' has no truth (nor have 1 other");
  says("image\nA\n", "a detection on 'B', which is not among the films that were looked at");
  says("image,boxes\nA,1\nB,0\n", "has 0 boxes here and more in the detections");
  says("image\nA\nB\nA\n", "comes twice");
  says("image\nA\nB\nA.png\n", "both 'A' of the truth");
  says("image\n", "lists no film");
  says("image,boxes\nA,x\n", "expected a number");
  EXPECT_TRUE(
      noted(evaluate_files({detections, truth, "", write("l.csv", "image,boxes\nA,3\nB,1\n")}, quick()),
            "counts 4 boxes, the detections are 2"));
}

// Sizes come with the list of films, findings with COCO's categories; neither where it tells no lesions apart.
TEST_F(Evaluate, LesionsBySizeAndFinding) {
  const Evaluation plain = evaluate_files({golden_detections_csv(), golden_csv(), ""}, quick());
  EXPECT_TRUE(plain.lesions_by.empty()) << "films of unknown size, small boxes, one label";
  const std::string list =
      write("l.csv", "image,width,height\nA,100,100\nB,100,100\nfolder/C,100,100\nD,100,100\n");
  const Evaluation sized = evaluate_files({golden_detections_csv(), golden_csv(), "", list}, quick());
  ASSERT_EQ(sized.lesions_by.size(), 3u);
  EXPECT_EQ(sized.lesions_by[0].group, "up to 0.100");
  EXPECT_EQ(sized.lesions_by[0].lesions, 3) << "both of A, and C's: equal sizes stay together";
  EXPECT_EQ(sized.lesions_by[2].lesions, 1);
  EXPECT_DOUBLE_EQ(sized.lesions_by[0].mean.value, 1);
  const std::string coco =
      write("t.json",
            R"({"images":[{"id":1,"file_name":"a","width":200,"height":200}],"categories":[
      {"id":3,"name":"nodule"},{"id":5,"name":"mass"}],"annotations":[
      {"id":1,"image_id":1,"category_id":3,"bbox":[0,0,20,20],"area":400,"iscrowd":0},
      {"id":2,"image_id":1,"category_id":5,"bbox":[50,50,40,40],"area":1600,"iscrowd":0}]})");
  const std::string found =
      write("d.json", R"([{"image_id":1,"category_id":5,"bbox":[50,50,40,40],"score":0.9}])");
  const Evaluation named = evaluate_files({found, coco, ""}, quick());
  const auto row = [&](const std::string& group) -> const SubgroupRow& {
    for (const SubgroupRow& r : named.lesions_by)
      if (r.group == group) return r;
    ADD_FAILURE() << group;
    return named.lesions_by.at(0);
  };
  EXPECT_DOUBLE_EQ(row("nodule").mean.value, 0);
  EXPECT_DOUBLE_EQ(row("mass").mean.value, 1);
  EXPECT_EQ(row("small, below 32 x 32 px").lesions, 1);
  EXPECT_DOUBLE_EQ(row("medium, up to 96 x 96 px").mean.value, 1);
}

// A list says which of its films trained the detector: whoever reads the figures must know.
TEST_F(Evaluate, FilmsThatTrainedTheDetectorAreCounted) {
  const std::string truth =
      write("t.csv", "patientId,x,y,width,height,Target\nA,1,1,10,10,1\nB,,,,,0\nC,,,,,0\n");
  const std::string none = write("d.csv", "image,x,y,width,height,score\n");
  EvaluateOptions options;
  options.draws = 5;
  const auto noted = [&](const std::string& list) {
    const Evaluation e = evaluate_files({none, truth, "", list}, options);
    size_t notes = 0;
    for (const std::string& note : e.notes)
      notes += note.find(std::to_string(e.films.trained) + " of 2 films trained the detector") != note.npos;
    EXPECT_EQ(notes, e.films.trained > 0 ? 1u : 0u) << list;
    return e.films.trained;
  };
  EXPECT_EQ(noted(write("l.csv", "image,leak\nA,1\nB,0\n")), 1);
  EXPECT_EQ(noted(write("l.csv", "image,leak\nA,TRUE\nC,1\n")), 2);
  EXPECT_EQ(noted(write("l.csv", "image,leak\nA,\nC,0\n")), 0);
  EXPECT_EQ(noted(write("l.csv", "image\nA\nC\n")), 0);
  EXPECT_EQ(noted(write("l.json", R"({"images":[{"id":"A","leak":true},{"id":"B"}]})")), 1);
  EXPECT_EQ(noted(write("l.json", R"({"images":[{"id":"A","leak":false},{"id":"B","leak":true}]})")), 1);
  for (const auto& [name, text, where] :
       {std::array<std::string, 3>{"bad.csv", "image,leak\nA,0\nB,often\n",
                                   "bad.csv: line 3: leak is 'often'"},
        {"bad.json", R"({"images":[{"id":"A","leak":"yes"}]})", "bad.json: images[0]: leak is \"yes\""}}) {
    const std::string list = write(name, text);
    try {
      read_films(list);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(exit_code(error.code()), 3);
      EXPECT_NE(std::string(error.what()).find(where), std::string::npos) << error.what();
    }
  }
}

TEST_F(Evaluate, RealSetsThroughFiles) {
  CAWE_NEEDS_DATA("eval");
  const fs::path data = cawe::testing::data_dir() / "eval";
  const Evaluation tb = evaluate_files(
      {(data / "tb/detections.json").string(), (data / "tb/ground_truth.json").string(), ""}, quick());
  const auto expected = testing::load_json(data / "tb/expected.json");
  for (const auto& [fp, value] : expected.at("froc_iou_0.5_duplicates_ignored").items())
    EXPECT_NEAR(tb.at(std::stod(fp)).at.sensitivity, value.get<double>(), 5.1e-7);
  for (const auto& [name, value] : tb.coco.named())
    EXPECT_NEAR(value, expected.at("coco").at(name).get<double>(), 1e-6) << name;
  const Evaluation pascal = evaluate_files(
      {(data / "pascal_case1/dets").string(), (data / "pascal_case1/gts").string(), ""}, quick());
  const auto published = testing::load_json(data / "pascal_case1/expected.json");
  for (const PascalRow& row : pascal.pascal) {
    const std::string key =
        row.threshold == .75 ? "0.75" : "0." + std::to_string(int(10 * row.threshold + .5));
    EXPECT_NEAR(row.ap.eleven_point, published["11_point"][key].get<double>(), 1e-9);
    EXPECT_NEAR(row.ap.every_point, published["every_point"][key].get<double>(), 1e-9);
  }
  const Evaluation coco = evaluate_files(
      {(data / "coco100/detections.json").string(), (data / "coco100/ground_truth.json").string(), ""},
      quick());
  EXPECT_NEAR(coco.coco.ap, .503647, 1e-6);
}

TEST_F(Evaluate, ComparesOnTheSameDraws) {
  const auto truth = testing::golden_truth();
  auto worse = testing::golden_detections();
  worse.erase(worse.begin());
  const Evaluation a = evaluate(truth, worse, quick()),
                   b = evaluate(truth, testing::golden_detections(), quick());
  const auto d = compare({&a}, {&b});
  ASSERT_EQ(d.size(), 6u);
  EXPECT_NEAR(d[4].interval.value, b.mean_paper.value - a.mean_paper.value, 1e-12);
  EXPECT_DOUBLE_EQ(compare({&a}, {&a})[0].p, 1);
  EXPECT_NEAR(compare({&a}, {&a, &b})[4].interval.value, d[4].interval.value / 2, 1e-12);
  EvaluateOptions other = quick();
  other.seed = 1;
  const Evaluation c = evaluate(truth, worse, other);
  EXPECT_THROW(compare({&a}, {&c}), Error);
}

// A crowd region is its category's, for Pascal VOC as for COCO; FROC takes all as one. By hand.
TEST_F(Evaluate, CrowdRegionsCountNowhere) {
  const std::vector<TruthImage> truth = {
      {"a",
       "",
       {{{0, 0, 10, 10}, 0, false, 100}, {{20, 0, 40, 20}, 0, true, 400}, {{0, 30, 20, 50}, 1, true, 400}},
       64,
       64}};
  const auto expect = [&](const std::vector<Detection>& detections, double ap, double sensitivity) {
    const Evaluation e = evaluate(truth, detections, quick());
    for (const PascalRow& row : e.pascal) {
      EXPECT_NEAR(row.ap.every_point, ap, 1e-12) << row.threshold;
      EXPECT_NEAR(row.ap.eleven_point, ap, 1e-12) << row.threshold;
    }
    EXPECT_NEAR(e.coco.ap50, ap, 1e-12);
    EXPECT_EQ(e.at(.125).at.sensitivity, sensitivity);
  };
  const Detection hit{0, {0, 0, 10, 10}, .5, 0};
  expect({hit, {0, {21, 1, 29, 9}, .9, 0}}, 1, 1);
  expect({hit, {0, {1, 31, 9, 39}, .9, 0}}, .5, 1);
  expect({hit, {0, {50, 50, 60, 60}, .9, 0}}, .5, 0);
}

TEST_F(Evaluate, WithoutALesionNothingIsDefinedAndNothingThrows) {
  const std::vector<TruthImage> truth = {{"a", "", {}, 64, 64}, {"b", "", {}, 64, 64}};
  EvaluateOptions options;
  options.draws = kFewDraws;
  const Evaluation e = evaluate(truth, {{0, {0, 0, 10, 10}, .5, 0}}, options);
  EXPECT_EQ(e.lesions, 0);
  EXPECT_EQ(e.negatives, 2);
  for (const SensRow& row : e.sens) EXPECT_TRUE(std::isnan(row.at.sensitivity));
  EXPECT_TRUE(std::isnan(e.mean_paper.value));
  EXPECT_TRUE(std::isnan(e.map50.value));
  EXPECT_TRUE(std::isnan(e.pascal[0].ap.every_point));
  ASSERT_EQ(e.notes.size(), 1u);
  EXPECT_EQ(e.notes[0], "no lesion among the images: sensitivities and AP are not defined");
}

TEST_F(Evaluate, SaysWhereAnIntervalIsNone) {
  const std::vector<TruthImage> truth = {{"a", "a", {{{0, 0, 10, 10}, 0}}, 64, 64},
                                         {"b", "b", {{{0, 0, 10, 10}, 0}}, 64, 64},
                                         {"c", "c", {{{0, 0, 10, 10}, 0}}, 64, 64},
                                         {"d", "d", {{{0, 0, 10, 10}, 0}}, 64, 64}};
  const auto note = [&](const std::vector<Detection>& detections, int64_t draws, const char* part) {
    EvaluateOptions options;
    options.draws = draws;
    for (const std::string& line : evaluate(truth, detections, options).notes)
      if (line.find(part) != line.npos) return line;
    return std::string();
  };
  const auto hit = [](int64_t image) { return Detection{image, {0, 0, 10, 10}, .5, 0}; };
  EXPECT_EQ(note({{0, {40, 40, 50, 50}, .5, 0}}, kFewDraws, "none of"),
            "Sens@0.125, 0.25, 0.5, 1, 2, 3, 4, 8: none of the 4 lesions is found, all draws agree, and "
            "[0, 0] is no interval (rule of three: up to 0.75 is not excluded)");
  EXPECT_EQ(note({hit(0), hit(1), hit(2), hit(3)}, kFewDraws, "all of"),
            "Sens@0.125, 0.25, 0.5, 1, 2, 3, 4, 8: all of the 4 lesions are found, all draws agree, and "
            "[1, 1] is no interval (rule of three: down to 0.25 is not excluded)");
  EXPECT_EQ(note({hit(0), hit(1)}, kFewDraws, "draws"), "");
  EXPECT_EQ(note({hit(0), hit(1)}, kFewDraws - 1, "draws"),
            "intervals are of 999 draws alone (expected 1000 or more: their ends are those of a few draws)");
}

}  // namespace
}  // namespace cawe::eval
