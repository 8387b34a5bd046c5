// SPDX-License-Identifier: Apache-2.0
// Boxes in other units than pixels from the top left, in truth and in detections.
#include "eval/read_boxes.h"
#include "tests/eval/evaluated_files.h"

namespace cawe::eval {
namespace {

class BoxUnits : public EvaluatedFiles {
 protected:
  /// Rows of two films, A and B.
  std::string truth(const std::string& rows) {
    return write("t.csv", "patientId,x,y,width,height,Target\n" + rows);
  }
  std::string detections(const std::string& rows) {
    return write("d.csv", "image,x,y,width,height,score\n" + rows);
  }
  /// The notes on detections of `rows` on films of 100 x 50 pixels (A) and of unknown size (B).
  std::vector<std::string> notes(const std::string& rows) {
    TruthSet set = read_truth(truth("A,10,10,20,20,1\nB,10,10,20,20,1\n"));
    const auto films = read_films(write("l.csv", "image,width,height\nA,100,50\nB,,\n"));
    read_detections(detections(rows), &set, &films);
    return set.notes;
  }
  const std::string pixels_ = "A,10,10,20,20,1\nB,10,10,20,20,1\n";
  const std::string question_ = " film: are they x2,y2 for width,height, or pixels of another size?";
};

TEST_F(BoxUnits, DetectionsThatLeaveTheirFilmAreCounted) {
  EXPECT_EQ(notes("A,10,10,20,20,.9\nB,10,10,20,20,.9\n"), std::vector<std::string>{});
  EXPECT_EQ(notes("A,-1,-1,102,52,.9\n"), std::vector<std::string>{}) << "a pixel on every side";
  for (const char* row : {"-1.5,0,20,20", "0,-1.5,20,20", "81.5,0,20,20", "0,31.5,20,20"})
    EXPECT_EQ(notes(std::string("A,") + row + ",.9\nA,10,10,20,20,.8\nB,900,900,20,20,.9\n"),
              std::vector<std::string>{"1 of 3 detections leaves its" + question_})
        << row;
  EXPECT_EQ(notes("A,60,20,80,40,.9\nA,10,30,30,45,.8\nA,2,2,9,9,.7\n"),
            std::vector<std::string>{"2 of 3 detections leave their" + question_})
      << "x2,y2 for width,height";
}

TEST_F(BoxUnits, SizesOfACocoTruthCountAsWell) {
  TruthSet set =
      read_truth(write("t.json", R"({"images":[{"id":1,"file_name":"a.png","width":100,"height":50}],
      "categories":[],"annotations":[]})"));
  read_detections(write("d.json", R"([{"image_id":1,"bbox":[60,20,80,40],"score":1},
      {"image_id":1,"bbox":[60,20,40,30],"score":1}])"),
                  &set);
  EXPECT_EQ(set.notes, std::vector<std::string>{"1 of 2 detections leaves its" + question_});
}

TEST_F(BoxUnits, SharesOfTheFilmAreRefused) {
  const auto refused = [&](const std::string& file, const std::string& message, const std::string& count) {
    EXPECT_EQ(message, (dir_ / file).string() + ": all " + count +
                           " boxes have an x, y, width and height of 1 or less: are they shares of the film? "
                           "(expected pixels)");
  };
  const std::string pixels = truth(pixels_);
  refused("d.csv", error_of(pixels, detections("A,.1,.2,.15,.12,.9\nB,.7,.68,.1,.1,.8\n")), "2");
  refused("d.csv", error_of(pixels, detections("A,0,0,1,1,.9\nB,0.9,0.9,1,1,.8\n")), "2");
  refused("d.csv", error_of(pixels, detections("A,-.01,-.02,.2,.2,.9\nB,.7,.68,.1,.1,.8\n")), "2");
  const std::string good = detections("A,10,10,20,20,.9\nB,10,10,20,20,.9\n");
  refused("t.csv", error_of(truth("A,.1,.2,.15,.12,1\nB,.7,.68,.1,.1,1\nC,,,,,0\n"), good), "2");
}

// YOLO's lines are "class centre-x centre-y width height [score]": read as ours, the score is a height.
TEST_F(BoxUnits, YoloFilesAreRefused) {
  for (const char* folder : {"gt", "yt", "yd"}) fs::create_directories(dir_ / folder);
  write("gt/A.txt", "0 10 10 20 20\n");
  write("gt/B.txt", "0 10 10 20 20\n");
  write("yt/A.txt", "0 0.9 0.25 0.2 0.12\n");
  write("yt/B.txt", "0 0.5 0.5 0.1 0.1\n");
  write("yd/A.txt", "0 0.9 0.25 0.2 0.12 0.97\n0 0.7 0.7 0.1 0.1 0.5\n");
  const auto said = [&](const char* truth, const char* detections) {
    return error_of((dir_ / truth).string(), (dir_ / detections).string());
  };
  EXPECT_EQ(said("gt", "yd").find((dir_ / "yd").string() + ": all 2 boxes have"), 0u) << said("gt", "yd");
  EXPECT_EQ(said("yt", "yd").find((dir_ / "yt").string() + ": all 2 boxes have"), 0u) << said("yt", "yd");
}

TEST_F(BoxUnits, SmallBoxesOfPixelsAreRead) {
  const std::string pixels = truth(pixels_);
  EXPECT_EQ(error_of(pixels, detections("A,.1,.2,.5,.5,.9\n")), "") << "one alone may be anything";
  for (const char* row : {"1.5,0,1,1", "0,1.5,1,1", "0,0,1.5,1", "0,0,1,1.5", "-1.5,0,1,1", "0,-1.5,1,1"})
    EXPECT_EQ(error_of(pixels, detections(std::string("A,.1,.2,.5,.5,.9\nB,") + row + ",.9\n")), "") << row;
  EXPECT_EQ(error_of(truth("A,.1,.2,.5,.5,1\nB,,,,,0\n"), detections("A,.1,.2,.5,.5,.9\n")), "");
}

}  // namespace
}  // namespace cawe::eval
