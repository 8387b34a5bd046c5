// SPDX-License-Identifier: Apache-2.0
// Reading truth and detections, every kind of bad file, and the whole evaluation.
#include "eval/evaluate.h"

#include <gtest/gtest.h>

#include <unistd.h>
#include <array>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "data/dataset.h"
#include "data/formats/annotations/coco.h"
#include "data/image_name.h"
#include "eval/read_boxes.h"
#include "tensor/error.h"
#include "tests/data_dir.h"
#include "tests/eval/coco_json.h"
#include "tests/eval/golden_example.h"

namespace cawe::eval {
namespace {

namespace fs = std::filesystem;

class Evaluate : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    dir_ = fs::temp_directory_path() / ("cawe_evaluate_" + std::to_string(::getpid()) + info->name());
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(dir_ / name) << text;
    return (dir_ / name).string();
  }
  /// The message of the data error that reading gives; "" where there is none.
  std::string error_of(const std::string& truth, const std::string& detections,
                       const std::string& patients = "") {
    try {
      evaluate_files({detections, truth, patients}, quick());
    } catch (const Error& error) {
      EXPECT_EQ(exit_code(error.code()), error.code() == Code::usage ? 2 : 3) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    return "";
  }
  static EvaluateOptions quick() {
    EvaluateOptions options;
    options.draws = 100;
    return options;
  }
  std::string golden_csv() {
    return write("truth.csv",
                 "patientId,x,y,width,height,Target\r\nA,0,0,10,10,1\r\nA,20,0,10,10,1\r\nB,0,0,20,20,1\r\n"
                 "B,0,0,20,20,1\r\nC,5,5,10,10,1\r\nD,,,,,0\r\n");
  }
  std::string golden_detections_csv() {
    return write(
        "detections.csv",
        "image,patient,x,y,width,height,score,label\nA.dcm,P1,0,0,10,10,.95,lesion\nD,P3,0,0,8,8,.9,lesion\n"
        "A,P1,0,0,10,9,.85,lesion\nB,P1,0,0,20,10,.8,lesion\nfolder/C.png,P2,9,9,10,10,.7,lesion\n"
        "A,P1,21,0,10,10,.6,lesion\nD,P3,30,30,10,10,.5,lesion\nB,P1,4,4,12,12,.4,lesion\n"
        "folder/C,P2,5,6,10,10,.3,lesion\n");
  }
  std::string golden_patients() {
    return write("patients.csv", "image,patient\nA,P1\nB,P1\nC,P2\nD,P3\nZ,P9\n");
  }
  fs::path dir_;
};

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

TEST_F(Evaluate, BadTruthIsNamedByRow) {
  const std::string good = golden_detections_csv();
  const std::string head = "patientId,x,y,width,height,Target\n";
  const auto says = [&](const std::string& rows, const std::string& part) {
    const std::string message = error_of(write("t.csv", rows), good);
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_NE(message.find("t.csv"), std::string::npos) << message;
  };
  says(head + "A,0,0,0,10,1\n", "line 2: width: is 0");
  says(head + "A,0,0,5,10,0\n", "line 2: Target is 0 but there is a box");
  says(head + "A,,,,,1\n", "line 2: Target is 1 but the box is not complete");
  says(head + "A,0,0,5,5,1\nA,,,,,0\n", "line 3: Target is 0 and 1 for the same image");
  says(head + "A,0,0,5,5,2\n", "line 2: Target is '2'");
  says(head + "A,0,nan,5,5,1\n", "line 2: Target is 1 but the box is not complete");
  says(head + "A,0,0,5x,5,1\n", "line 2: width is '5x'");
  says(head + "A,0,0,5,5,1\nB,-2,0,5,5,1\n", "line 3: x: box from -2 to 3 leaves the image");
  says(head + ",0,0,5,5,1\n", "patientId is empty");
  says(head, "no image in the truth");
  says("patientId,x,y,width,height\nA,0,0,5,5\n", "Target");
  says(head + "A,,,,,0\nB,,,,,0\nC,,,,,0\nD,,,,,0\n", "no lesion among its 4 images");
}

TEST_F(Evaluate, BadDetectionsAreNamedByRow) {
  const std::string truth = golden_csv();
  const std::string head = "image,patient,x,y,width,height,score,label\n";
  const auto says = [&](const std::string& rows, const std::string& part) {
    const std::string message = error_of(truth, write("d.csv", rows));
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_NE(message.find("d.csv"), std::string::npos) << message;
  };
  says(head + "Z,,0,0,5,5,.5,\n", "line 2: image 'Z' is not in the truth (expected one of its 4 images)");
  says(head + "A,,0,0,5,5,.5,\nA,,0,0,-5,5,.5,\n", "line 3: box of -5 x 5");
  says(head + "A,,0,0,5,5,high,\n", "line 2");
  says("image,x,y,width,height\nA,0,0,5,5\n", "score");
  EXPECT_NE(error_of(truth, (dir_ / "none.csv").string()).find("no such file"), std::string::npos);
  EXPECT_NE(error_of(truth, write("d.txt", "")).find("unknown kind"), std::string::npos);
}

TEST_F(Evaluate, BadPatientsAreNamed) {
  const std::string truth = golden_csv(), detections = golden_detections_csv();
  EXPECT_NE(error_of(truth, detections, write("p.csv", "image,patient\nA,1\nB,1\nC,2\n"))
                .find("no row for image 'D'"),
            std::string::npos);
  EXPECT_NE(error_of(truth, detections, write("p.csv", "image,patient\nA,1\nA,2\n")).find("has two patients"),
            std::string::npos);
}

TEST_F(Evaluate, ADetectionFindsItsFilmOrIsRefused) {
  const std::string head = "patientId,x,y,width,height,Target\n", box = ",0,0,10,10,1\n", none = ",,,,,0\n";
  const auto found = [&](const std::string& truth, const std::string& names) {
    std::string rows = "image,x,y,width,height,score\n";
    for (size_t at = 0; at < names.size();) {
      const size_t end = std::min(names.find(' ', at), names.size());
      rows += names.substr(at, end - at) + ",0,0,10,10,.5\n";
      at = end + 1;
    }
    TruthSet set = read_truth(write("t.csv", head + truth));
    std::string places;
    try {
      for (const Detection& d : read_detections(write("d.csv", rows), &set))
        places += std::to_string(d.image);
    } catch (const Error& error) {
      EXPECT_EQ(exit_code(error.code()), 3);
      return std::string(error.what());
    }
    return places;
  };
  const auto refused = [&](const std::string& truth, const std::string& names, const std::string& part) {
    const std::string message = found(truth, names);
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  EXPECT_EQ(found("1.2.3.99" + box + "1.2.3" + none, "1.2.3 1.2.3.99"), "10");
  refused("1.2.3" + box, "1.2.3.99", "image '1.2.3.99' is not in the truth");
  EXPECT_EQ(found("1.2.3" + box, "1.2.3.dcm 1.2.3"), "00");
  EXPECT_EQ(found("p1/v.png" + box + "p2/v.png" + none, "p2/v p1/v"), "10");
  refused("p1/v" + box + "p2/v" + none, "v", "image 'v' could be 'p1/v' or 'p2/v' of the truth");
  EXPECT_EQ(found("v" + box, "p1/v"), "0") << "one film alone fits";
  refused("v" + box, "p1/v p2/v", "image 'p2/v' and image 'p1/v' would both be 'v' of the truth");
  refused("v" + box, "v p2/v", "would both be 'v'");
  refused("v" + box, "v.png v.jpg", "would both be 'v'");
  refused("p1/v" + box, "p2/v", "is not in the truth");
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
  EXPECT_TRUE(noted(seen, "1 of 2 films has no person"));
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

TEST_F(Evaluate, BadCocoIsNamedByElement) {
  const std::string images = R"({"images":[{"id":1,"file_name":"a.png","width":50,"height":50}],)";
  const std::string categories = R"("categories":[{"id":1,"name":"x"},{"id":7,"name":"y"}],)";
  const std::string good =
      images + categories + R"("annotations":[{"id":1,"image_id":1,"category_id":1,"bbox":[1,1,9,9]}]})";
  const auto truth_says = [&](const std::string& annotation, const std::string& part) {
    const std::string path = write("t.json", images + categories + "\"annotations\":[" + annotation + "]}");
    const std::string message = error_of(path, write("d.json", "[]"));
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  truth_says(R"({"image_id":2,"category_id":1,"bbox":[1,1,9,9]})",
             "annotations[0]: image_id 2 is not in images");
  truth_says(R"({"image_id":1,"category_id":3,"bbox":[1,1,9,9]})", "category_id 3 is not in categories");
  truth_says(R"({"image_id":1,"category_id":1,"bbox":[1,1,9]})", "annotations[0].bbox: has 3 numbers");
  truth_says(R"({"image_id":1,"category_id":1,"bbox":[45,1,9,9]})",
             "annotations[0]: x: box from 45 to 54 leaves the image (50 px wide)");
  truth_says(R"({"image_id":1,"category_id":1,"bbox":[45,1,0,9]})", "annotations[0]: width: is 0");
  truth_says(R"({"image_id":1e300,"category_id":1,"bbox":[1,1,9,9]})", "annotations[0].image_id: is 1e+300");
  truth_says(R"({"image_id":1,"category_id":1,"bbox":[1,1,9,9],"iscrowd":"no"})", "annotations[0].iscrowd");
  const auto detection_says = [&](const std::string& detection, const std::string& part) {
    const std::string message = error_of(write("t.json", good), write("d.json", "[" + detection + "]"));
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  detection_says(R"({"image_id":5,"category_id":1,"bbox":[1,1,9,9],"score":1})",
                 "image_id 5 is not in the truth");
  detection_says(R"({"image_id":1e300,"category_id":1,"bbox":[1,1,9,9],"score":1})",
                 "d.json: [0].image_id: is 1e+300");
  detection_says(R"({"image_id":"1e300","category_id":1,"bbox":[1,1,9,9],"score":1})",
                 "d.json: [0]: image '1e300' is not in the truth");
  detection_says(R"({"image_id":1,"category_id":1,"bbox":[1,1,9,9]})", "score");
  detection_says(
      R"({"image_id":1,"category_id":1,"bbox":[1,1,9,9],"score":1},{"image_id":1,"category_id":2,"bbox":[1,1,9,9],"score":1})",
      "d.json: [1]: label '2' is not a category");
  EXPECT_NE(error_of(write("t.json", good), write("d.json", "{}")).find("list of detections"),
            std::string::npos);
  EXPECT_NE(error_of(write("t.json", "{"), write("d.json", "[]")).find("t.json"), std::string::npos);
}

/// Boxes by image, as text: those of training are 32-bit numbers.
using Boxes = std::map<std::string, std::multiset<std::string>>;

template <class B>
std::string corners(const B& box, bool ignored) {
  return ::cawe::detail::concat(float(box.x1), " ", float(box.y1), " ", float(box.x2), " ", float(box.y2),
                                ignored ? " ignored" : "");
}

Boxes boxes_of(const TruthSet& truth) {
  Boxes found;
  for (const TruthImage& image : truth.images) {
    auto& boxes = found[data::without_image_ending(image.id)];
    for (const TruthBox& box : image.boxes) boxes.insert(corners(box.box, box.crowd));
  }
  return found;
}

Boxes boxes_of(const data::Dataset& dataset) {
  Boxes found;
  for (const data::Sample& sample : dataset.samples) {
    auto& boxes = found[sample.image_id];
    for (const Box& box : sample.boxes) boxes.insert(corners(box, false));
    for (const Box& box : sample.ignored) boxes.insert(corners(box, true));
  }
  return found;
}

// What trains a model and what judges it are read from one table alike; the boxes by hand.
TEST_F(Evaluate, TheTruthIsReadAsTrainingReadsIt) {
  const Boxes expected{{"aa", {"10.5 20 40.5 60", "0 0 9 9"}}, {"bb", {}}, {"cc", {}}, {"dd", {"1 2 4 6"}}};
  for (const char* rows :
       {",patientId,x,y,width,height,Target\n0,aa,10.5,20.0,30.0,40.0,1.0\n1,aa,-0.5,0.0,9.5,9.0,1.0\n"
        "2,bb,NaN,NaN,NaN,NaN,0.0\n3,cc,,,,,FALSE\n4,aa,10.5,20,30,40,1\n5,dd,1,2,3,4,TRUE\n",
        "patientId;x;y;width;height;Target\r\naa;10,5;20;30;40;1\r\naa;-0,5;0;9,5;9;1\r\nbb;;;;;0\r\n"
        "cc;;;;;no\r\naa;10,5;20;30;40;1\r\ndd;1;2;3;4;yes\r\n"}) {
    const std::string table = write("boxes.csv", rows);
    data::Dataset trained;
    for (const char* id : {"aa", "bb", "cc", "dd"}) {
      data::Sample sample;
      sample.image_id = id;
      sample.path = std::string("images/") + id + ".png";
      trained.samples.push_back(sample);
    }
    data::attach_rsna_boxes(&trained, table);
    EXPECT_EQ(boxes_of(trained), expected);
    const TruthSet truth = read_truth(table);
    EXPECT_EQ(boxes_of(truth), expected);
    EXPECT_EQ(truth.images[0].boxes[1].area, 9.5 * 9) << "as it is written";
    EXPECT_EQ(truth.notes,
              (std::vector<std::string>{"1 duplicate row of the truth dropped",
                                        "1 true box up to a pixel outside its image was clipped"}));
  }
  const std::string coco = write(
      "boxes.json",
      R"({"images":[{"id":7.0,"file_name":"a.png","width":50.0,"height":50},{"id":8,"file_name":"b.png","width":50,"height":50}],
          "categories":[{"id":1.0,"name":"x"}],"annotations":[
          {"id":1.0,"image_id":7.0,"category_id":1.0,"bbox":[1,2,30,40],"iscrowd":true},
          {"id":2,"image_id":7,"category_id":1,"bbox":[1,2,3,4],"iscrowd":false},
          {"id":3,"image_id":8,"category_id":1,"bbox":[40,2,10.5,4],"iscrowd":0.0}]})");
  const Boxes by_hand{{"a", {"1 2 31 42 ignored", "1 2 4 6"}}, {"b", {"40 2 50 6"}}};
  EXPECT_EQ(boxes_of(data::read_coco(coco, dir_.c_str())), by_hand);
  TruthSet truth = read_truth(coco);
  EXPECT_EQ(boxes_of(truth), by_hand);
  const auto found = read_detections(
      write("d.json", R"([{"image_id":8.0,"category_id":1.0,"bbox":[40,2,10,4],"score":1}])"), &truth);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(truth.images[size_t(found[0].image)].id, "b.png");
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

// RSNA's table says no sizes: the list of films does.
TEST_F(Evaluate, BoxesAreCheckedAgainstTheFilmsThatWereLookedAt) {
  const std::string truth =
      write("t.csv", "patientId,x,y,width,height,Target\nA,40,0,10.5,10,1\nB,90,0,10,10,1\n");
  TruthSet set = read_truth(truth);
  std::vector<LookedAt> films = read_films(write("l.csv", "image,width,height\nA,50,50\n"));
  const std::string none = write("d.csv", "image,x,y,width,height,score\n");
  read_detections(none, &set, &films);
  EXPECT_EQ(set.images[0].boxes[0].box.x2, 50);
  EXPECT_EQ(set.images[0].width, 50);
  set = read_truth(truth);
  films = read_films(write("l.csv", "image,width,height\nA,50,50\nB,50,50\n"));
  try {
    read_detections(none, &set, &films);
    ADD_FAILURE() << "a box 50 pixels outside its film";
  } catch (const Error& error) {
    EXPECT_EQ(exit_code(error.code()), 3);
    EXPECT_NE(
        std::string(error.what()).find("l.csv: line 3: film 'B', a box of its truth: x: box from 90 to 100"),
        std::string::npos)
        << error.what();
  }
}

TEST_F(Evaluate, ALabelThatIsUnknownNamesItsRowOnce) {
  fs::create_directories(dir_ / "gt");
  fs::create_directories(dir_ / "dt");
  write("gt/a.txt", "x 0 0 9 9\ny 0 0 9 9\n");
  write("dt/a.txt", "x .9 0 0 9 9\nz .8 0 0 9 9\n");
  const std::string message = error_of((dir_ / "gt").string(), (dir_ / "dt").string());
  EXPECT_EQ(message.find((dir_ / "dt/a.txt").string() + ": line 2: label 'z'"), 0u) << message;
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

TEST_F(Evaluate, WithoutALesionNothingIsDefinedAndNothingThrows) {
  const std::vector<TruthImage> truth = {{"a", "", {}, 64, 64}, {"b", "", {}, 64, 64}};
  EvaluateOptions options;
  options.draws = 20;
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

}  // namespace
}  // namespace cawe::eval
