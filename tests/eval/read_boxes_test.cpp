// SPDX-License-Identifier: Apache-2.0
// Reading truth and detections, and every kind of bad file.
#include "eval/read_boxes.h"

#include <map>
#include <set>

#include "data/dataset.h"
#include "data/formats/annotations/coco.h"
#include "data/image_name.h"
#include "tests/eval/coco_json.h"
#include "tests/eval/evaluated_files.h"

namespace cawe::eval {
namespace {

using ReadBoxes = EvaluatedFiles;

TEST_F(ReadBoxes, BadTruthIsNamedByRow) {
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

TEST_F(ReadBoxes, BadDetectionsAreNamedByRow) {
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

TEST_F(ReadBoxes, BadPatientsAreNamed) {
  const std::string truth = golden_csv(), detections = golden_detections_csv();
  EXPECT_NE(error_of(truth, detections, write("p.csv", "image,patient\nA,1\nB,1\nC,2\n"))
                .find("no row for image 'D'"),
            std::string::npos);
  EXPECT_NE(error_of(truth, detections, write("p.csv", "image,patient\nA,1\nA,2\n")).find("has two patients"),
            std::string::npos);
}

TEST_F(ReadBoxes, ADetectionFindsItsFilmOrIsRefused) {
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

// As training refuses it: "v" and "v.png" are one film, whose boxes would be judged in two halves.
TEST_F(ReadBoxes, AFilmOfRsnasTableHasOneName) {
  const std::string head = "patientId,x,y,width,height,Target\n";
  const std::string none = write("d.csv", "image,x,y,width,height,score\n");
  for (const char* other : {"v.png", "v.DCM"}) {
    const std::string path = write("t.csv", head + "v,10,10,9,9,1\nw,,,,,0\n" + other + ",30,30,9,9,1\n");
    EXPECT_EQ(error_of(path, none), path + ": line 4: image 'v' has a row already (" + path +
                                        ": line 2 names 'v', this one '" + other +
                                        "'; expected names that differ without their endings)");
  }
  EXPECT_EQ(error_of(write("t.csv", head + "p/v,10,10,9,9,1\nq/v.png,,,,,0\nv.9,,,,,0\n"), none), "");
}

/// A COCO truth of two films, ids 1 and 2.
std::string two_films(const std::string& first, const std::string& second) {
  const auto film = [](int id, const std::string& name) {
    return R"({"id":)" + std::to_string(id) + R"(,"width":50,"height":50,"file_name":")" + name + "\"}";
  };
  return R"({"images":[)" + film(1, first) + "," + film(2, second) +
         R"(],"categories":[{"id":1,"name":"x"}],"annotations":[{"image_id":1,"category_id":1,"bbox":[1,1,9,9]}]})";
}

// "1" is the number of a film only where no film is called by a number: film 1.png is then in no truth.
TEST_F(ReadBoxes, ANumberIsAnIdWhereNoFilmIsCalledByOne) {
  const auto found = [&](const std::string& first, const std::string& second, const std::string& images) {
    TruthSet set = read_truth(write("t.json", two_films(first, second)));
    std::string rows, places;
    for (const char image : images) rows += std::string(1, image) + ",1,1,9,9,.5\n";
    try {
      for (const Detection& d :
           read_detections(write("d.csv", "image,x,y,width,height,score\n" + rows), &set))
        places += std::to_string(d.image);
    } catch (const Error& error) {
      EXPECT_EQ(exit_code(error.code()), 3);
      places = error.what();
    }
    return places;
  };
  EXPECT_EQ(found("a.png", "b7.png", "21"), "10");
  EXPECT_EQ(found("2.png", "4.png", "24"), "01");
  EXPECT_EQ(found("0001.jpg", "p/00002.jpg", "21"), "10") << "as COCO itself calls its films";
  EXPECT_NE(found("0001.jpg", "3.jpg", "2").find("image '2' is not in the truth"), std::string::npos);
  for (const char* name : {"2.png", "p/002", "p\\\\2.dcm", " 2 .png"})
    EXPECT_NE(
        found("a.png", name, "1").find("d.csv: line 2: image '1' is not in the truth (expected one of its 2"),
        std::string::npos)
        << name;
  EXPECT_NE(
      found("a.png", "b.png", "1a").find("d.csv: line 3: image 'a' and image '1' would both be 'a.png'"),
      std::string::npos)
      << "in one file, a film has one name";
  EXPECT_NE(found("a.png", "b.png", "a1").find("image '1' and image 'a' would both be"), std::string::npos);
}

TEST_F(ReadBoxes, AnIntegerOfCocoResultsIsAlwaysAnId) {
  TruthSet set = read_truth(write("t.json", two_films("2.png", "1.png")));
  const auto image = [&](const std::string& id) {
    const auto found = read_detections(
        write("d.json", R"([{"bbox":[1,1,9,9],"score":1,"category_id":1,"image_id":)" + id + "}]"), &set);
    return set.images[size_t(found.at(0).image)].id;
  };
  EXPECT_EQ(image("1"), "2.png");
  EXPECT_EQ(image("2"), "1.png");
  EXPECT_EQ(image("\"1\""), "1.png") << "text is a name";
}

// The list of films and the table of persons are read by the same rule.
TEST_F(ReadBoxes, FilmsAndPersonsOfNumbersAreTheirOwn) {
  const std::string numbers = write("n.json", two_films("2.png", "4.png"));
  const std::string none = write("d.csv", "image,x,y,width,height,score\n");
  const auto says = [&](const std::string& list, const std::string& persons, const std::string& part) {
    std::string message;
    try {
      evaluate_files({none, numbers, persons, list}, quick());
    } catch (const Error& error) {
      message = error.what();
    }
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  says(write("l.csv", "image\n1\n"), "", "l.csv: line 2: film '1' has no truth");
  says("", write("p.csv", "image,patient\n1,A\n2,B\n"), "p.csv: no row for image '4.png'");
  // A film that was not looked at counts: its name tells that "1" is one.
  const std::string mixed = write("m.json", two_films("a.png", "2.png"));
  EXPECT_NE(
      error_of(mixed, write("e.csv", "image,x,y,width,height,score\n1,1,1,9,9,.5\n")).find("'1' is not in"),
      std::string::npos);
  TruthSet set = read_truth(mixed);
  const std::vector<LookedAt> films = read_films(write("l.csv", "image\na\n"));
  read_detections(none, &set, &films);
  EXPECT_THROW(read_patients(write("q.csv", "image,patient\n1,A\n"), &set), Error);
}

TEST_F(ReadBoxes, BadCocoIsNamedByElement) {
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
  truth_says(R"({"image_id":1,"category_id":1,"bbox":[5,5,1e-9,5]})", "annotations[0]: width: is 1e-09");
  truth_says(R"({"image_id":1e300,"category_id":1,"bbox":[1,1,9,9]})", "annotations[0].image_id: is 1e+300");
  truth_says(R"({"image_id":1,"category_id":1,"bbox":[1,1,9,9],"iscrowd":"no"})", "annotations[0].iscrowd");
  truth_says(R"({"image_id":1,"category_id":1,"bbox":[1,1,9,9],"area":-5})",
             "annotations[0].area: is -5 (expected 0 or more)");
  truth_says(R"({"image_id":1,"category_id":1,"bbox":[1,1,9,9],"area":1e999})", "t.json");
  const std::string flat =
      images + categories + R"("annotations":[{"image_id":1,"category_id":1,"bbox":[1,1,9,9],"area":0}]})";
  EXPECT_EQ(read_truth(write("t.json", flat)).images[0].boxes[0].area, 0) << "as pycocotools takes it";
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
      "d.json: [1]: label '2' is not a category of the truth (expected 'x' (id 1) or 'y' (id 7))");
  EXPECT_NE(error_of(write("t.json", good), write("d.json", "{}")).find("list of detections"),
            std::string::npos);
  EXPECT_NE(error_of(write("t.json", "{"), write("d.json", "[]")).find("t.json"), std::string::npos);
}

TEST_F(ReadBoxes, ACocoFilmHasANameOfItsOwn) {
  const auto says = [&](const std::string& name, const std::string& other, const std::string& part) {
    const std::string path =
        write("t.json", R"({"categories":[],"annotations":[],"images":[{"id":2,"file_name":")" + name +
                            R"("},{"id":1,"file_name":")" + other + R"("}]})");
    const std::string message = error_of(path, write("d.json", "[]"));
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  says("a.png", "a.png", "t.json: images[1]: image 'a' has a row already (");
  says("p/a.png", "p/a.jpg", "images[1]: image 'p/a' has a row already (");
  says("a.png", "", "t.json: images[1].file_name: is empty");
  says(" ", "a.png", "t.json: images[0].file_name: is empty");
  says("p/a.png", "q/a.png", "no lesion among its 2 images");
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
TEST_F(ReadBoxes, TheTruthIsReadAsTrainingReadsIt) {
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

// RSNA's table says no sizes: the list of films does.
TEST_F(ReadBoxes, BoxesAreCheckedAgainstTheFilmsThatWereLookedAt) {
  const std::string truth =
      write("t.csv", "patientId,x,y,width,height,Target\nA,40,0,10.5,10,1\nB,90,0,10,10,1\n");
  TruthSet set = read_truth(truth);
  std::vector<LookedAt> films = read_films(write("l.csv", "image,width,height\nA,50,50\n"));
  const std::string none = write("d.csv", "image,x,y,width,height,score\n");
  read_detections(none, &set, &films);
  EXPECT_EQ(set.images[0].boxes[0].box.x2, 50);
  EXPECT_EQ(set.images[0].width, 50);
  for (const char* rows : {"A,40,0,10.5,10,1\nA,40,0,10,10,1\nA,40,0,9,10,1\n",
                           "A,40,0,10,10,1\nA,40,0,10.5,10,1\nA,40,0,9,10,1\n"}) {
    set = read_truth(write("twice.csv", std::string("patientId,x,y,width,height,Target\n") + rows));
    ASSERT_EQ(set.images[0].boxes.size(), 3u);
    read_detections(none, &set, &films);
    EXPECT_EQ(set.images[0].boxes.size(), 2u) << "clipped, two are one, as in training";
    EXPECT_EQ(set.notes[0], "1 duplicate row of the truth dropped");
  }
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

}  // namespace
}  // namespace cawe::eval
