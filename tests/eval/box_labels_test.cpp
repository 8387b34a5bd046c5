// SPDX-License-Identifier: Apache-2.0
// Labels of detections against those of the truth: compared or not, ids and names.
#include "eval/read_boxes.h"
#include "tests/eval/evaluated_files.h"

namespace cawe::eval {
namespace {

/// What labels the detections of a COCO truth get, and what is said of it: "0 1; a note", or the error.
class ReadLabels : public EvaluatedFiles {
 protected:
  std::string labels(const std::string& categories, const std::string& file, const std::string& detections) {
    const std::string coco =
        R"({"images":[{"id":1,"file_name":"a.png","width":50,"height":50}],"annotations":[],)"
        R"("categories":[)" +
        categories + "]}";
    return labels_of(write("t.json", coco), write(file, detections));
  }
  std::string labels_of(const std::string& truth_file, const std::string& detections) {
    std::string found;
    try {
      TruthSet truth = read_truth(truth_file);
      for (const Detection& d : read_detections(detections, &truth))
        found += (found.empty() ? "" : " ") + std::to_string(d.label);
      for (const std::string& note : truth.notes) found += "; " + note;
    } catch (const Error& error) {
      EXPECT_EQ(exit_code(error.code()), 3);
      found = error.what();
    }
    return found;
  }
  std::string results(const std::vector<int>& categories) {
    std::string list;
    for (const int id : categories)
      list += (list.empty() ? "" : ",") +
              (R"({"image_id":1,"bbox":[1,1,9,9],"score":1,"category_id":)" + std::to_string(id) + "}");
    return "[" + list + "]";
  }
  std::string table(const std::vector<std::string>& names) {
    std::string rows = "image,x,y,width,height,score,label\n";
    for (const std::string& name : names) rows += "a,1,1,9,9,1," + name + "\n";
    return rows;
  }
  /// Where two categories are compared.
  const std::string as_one_ =
      "; sensitivities and mAP50 take all categories as one; the figures of COCO and Pascal VOC are by "
      "category";
  const std::string unknown_ = "; labels of the detections are unknown to the truth: labels are not compared";
};

TEST_F(ReadLabels, OneCategoryIsComparedWhereADetectionNamesIt) {
  const std::string x = R"({"id":1,"name":"x"})";
  EXPECT_EQ(labels(x, "d.json", results({1, 1})), "0 0");
  const std::string other = labels(x, "d.json", results({1, 7}));
  EXPECT_NE(other.find("d.json: [1]: label '7' is not a category of the truth (expected 'x' (id 1))"),
            std::string::npos)
      << other;
  EXPECT_NE(labels(x, "d.csv", table({"y", "x"})).find("d.csv: line 2: label 'y'"), std::string::npos);
  EXPECT_EQ(labels(x, "d.csv", table({"lesion", "lesion"})), "0 0" + unknown_) << "as `detect` writes it";
  EXPECT_EQ(labels(x, "d.json", results({7})), "0" + unknown_);
  EXPECT_EQ(labels(x, "d.csv", table({"", ""})), "0 0") << "nothing to compare";
}

TEST_F(ReadLabels, WhatIsNotComparedIsSaid) {
  const std::string rsna = write("t.csv", "patientId,x,y,width,height,Target\na,1,1,9,9,1\n");
  EXPECT_EQ(labels_of(rsna, write("d.csv", table({"lesion", "lesion"}))), "0 0");
  EXPECT_EQ(labels_of(rsna, write("d.csv", table({"x", "y", "x"}))),
            "0 0 0; the truth has no categories, the detections have 2 labels: labels are not compared");
  const std::string two = R"({"id":1,"name":"x"},{"id":7,"name":"y"})";
  EXPECT_EQ(labels(two, "d.csv", table({"z"})), "0" + unknown_);
  EXPECT_EQ(labels(two, "d.csv", table({""})), "0; the detections have no labels: labels are not compared");
  EXPECT_EQ(labels(two, "d.json", "[]"), "");
}

TEST_F(ReadLabels, ManyCategoriesAreNotAllNamed) {
  std::string seven;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g"})
    seven += (seven.empty() ? "" : ",") +
             ::cawe::detail::concat("{\"id\":", int(name[0]), ",\"name\":\"", name, "\"}");
  const std::string message = labels(seven, "d.csv", table({"a", "z"}));
  EXPECT_NE(message.find(
                "(expected 'a' (id 97), 'b' (id 98), 'c' (id 99), 'd' (id 100), 'e' (id 101) or another of "
                "its 7)"),
            std::string::npos)
      << message;
}

TEST_F(ReadLabels, AnIdIsAnIdAndANameIsANameFirst) {
  const std::string numbers = R"({"id":0,"name":"1"},{"id":1,"name":"2"})";
  EXPECT_EQ(labels(numbers, "d.json", results({0, 1})), "0 1" + as_one_);
  EXPECT_EQ(labels(numbers, "d.csv", table({"1", "2", "0"})), "0 1 0" + as_one_) << "no category is called 0";
  EXPECT_NE(labels(numbers, "d.json", results({0, 2})).find("d.json: [1]: label '2' is not a category"),
            std::string::npos)
      << "a name is no id";
  fs::create_directories(dir_ / "gt");
  write("gt/1.txt", "7 0 0 9 9\n3 0 0 9 9\n");
  EXPECT_EQ(labels_of((dir_ / "gt").string(), write("d.json", results({3, 7}))), "1 0" + as_one_)
      << "names alone";
}

TEST_F(ReadLabels, OneCategoryForAllDetectionsOfSeveralIsSaid) {
  const auto of = [&](const std::string& annotated, const std::vector<int>& detected) {
    std::string annotations;
    for (const char id : annotated)
      annotations += std::string(annotations.empty() ? "" : ",") +
                     R"({"image_id":1,"bbox":[1,1,9,9],"area":81,"iscrowd":0,"category_id":)" + id + "}";
    const std::string truth =
        write("t.json", R"({"images":[{"id":1,"file_name":"a.png","width":50,"height":50}],"annotations":[)" +
                            annotations + R"(],"categories":[{"id":1,"name":"x"},{"id":7,"name":"y"}]})");
    return labels_of(truth, write("d.json", results(detected)));
  };
  const auto counted = [](const std::string& what) {
    return "; every detection is of category 'x': " + what +
           " as missed in COCO's and Pascal VOC's figures (a CSV with label 'lesion' is judged without "
           "categories)";
  };
  EXPECT_EQ(of("1771", {1, 1}), "0 0" + as_one_ + counted("2 lesions of other categories count"));
  EXPECT_EQ(of("17", {1}), "0" + as_one_ + counted("1 lesion of other categories counts"));
  EXPECT_EQ(of("1177", {1, 7}), "0 1" + as_one_) << "both categories are looked for";
  EXPECT_EQ(of("11", {1, 7}), "0 1" + as_one_) << "a detection of a category without a lesion";
  EXPECT_EQ(of("11", {1, 1}), "0 0") << "nothing of the other to find";
}

TEST_F(ReadLabels, ALabelThatIsUnknownNamesItsRowOnce) {
  fs::create_directories(dir_ / "gt");
  fs::create_directories(dir_ / "dt");
  write("gt/a.txt", "x 0 0 9 9\ny 0 0 9 9\n");
  write("dt/a.txt", "x .9 0 0 9 9\nz .8 0 0 9 9\n");
  const std::string message = error_of((dir_ / "gt").string(), (dir_ / "dt").string());
  EXPECT_EQ(message.find((dir_ / "dt/a.txt").string() + ": line 2: label 'z'"), 0u) << message;
}

}  // namespace
}  // namespace cawe::eval
