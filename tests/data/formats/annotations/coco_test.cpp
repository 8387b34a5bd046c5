// SPDX-License-Identifier: Apache-2.0
// COCO JSON, in and out.
#include "data/formats/annotations/coco.h"

#include <gtest/gtest.h>

#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

using cawe::testing::expect_error;
using cawe::testing::TempDir;

std::string coco(const std::string& annotations, const std::string& images = "") {
  return "{\"images\":[{\"id\":7,\"file_name\":\"images/a.jpg\",\"width\":100,\"height\":80},"
         "{\"id\":3,\"file_name\":\"b.jpg\",\"width\":50,\"height\":50}" +
         images +
         "],"
         "\"categories\":[{\"id\":90,\"name\":\"late\"},{\"id\":4,\"name\":\"early\"}],"
         "\"annotations\":[" +
         annotations + "]}";
}
std::string annotation(int id, int image, int category, const std::string& bbox,
                       const std::string& more = "") {
  return "{\"id\":" + std::to_string(id) + ",\"image_id\":" + std::to_string(image) +
         ",\"category_id\":" + std::to_string(category) + ",\"bbox\":" + bbox + more + "}";
}
Dataset parse(const std::string& text) { return parse_coco(text, "t.json", "root"); }

TEST(Coco, SparseIdsNegativesAndCrowds) {
  const Dataset data = parse(coco(annotation(1, 7, 90, "[1.5,2,10,20]") + "," +
                                  annotation(2, 7, 4, "[0,0,100,80]", ",\"iscrowd\":1") + "," +
                                  annotation(3, 7, 4, "[5,5,10,10]", ",\"iscrowd\":0,\"area\":100")));
  ASSERT_EQ(data.samples.size(), 2u);
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"early", "late"})) << "by id, not by position";
  const Sample& a = data.samples[0];
  EXPECT_EQ(a.image_id, "a");
  EXPECT_EQ(a.number, 7);
  EXPECT_EQ(a.path, "root/images/a.jpg");
  EXPECT_EQ(a.box_classes, (std::vector<int>{1, 0}));
  EXPECT_EQ(a.boxes[0].x2, 11.5f);
  EXPECT_EQ(a.ignored.size(), 1u);
  EXPECT_TRUE(data.samples[1].boxes.empty());
  EXPECT_TRUE(data.samples[1].has_box_annotation) << "kept as a negative";
  EXPECT_FALSE(data.patients_known);
}

TEST(Coco, BadBoxesRejectTheirImage) {
  const Dataset data =
      parse(coco(annotation(1, 7, 4, "[1,2,10,20]") + "," + annotation(2, 7, 4, "[95,2,10,20]") + "," +
                 annotation(3, 3, 4, "[0,0,50.5,10]")));
  ASSERT_EQ(data.samples.size(), 1u);
  EXPECT_EQ(data.samples[0].image_id, "b");
  EXPECT_EQ(data.samples[0].boxes[0].x2, 50.f);
  ASSERT_EQ(data.rejected.size(), 1u);
  EXPECT_EQ(data.rejected[0].file, "root/images/a.jpg");
  EXPECT_NE(data.rejected[0].reason.find("annotations[1]"), std::string::npos);
}

// pycocotools takes all of these: ids are keys that compare equal, iscrowd is only asked whether it is true.
TEST(Coco, NumbersAsOtherToolsWriteThem) {
  const Dataset data = parse(
      "{\"images\":[{\"id\":7.0,\"file_name\":\"p1\\\\a b.jpg\",\"width\":100.0,\"height\":80},"
      "{\"id\":8,\"file_name\":\"p2/a b.jpg\",\"width\":100,\"height\":80}],"
      "\"categories\":[{\"id\":1.0,\"name\":\"lung opacity\"}],\"annotations\":["
      "{\"id\":1.0,\"image_id\":7,\"category_id\":1,\"bbox\":[1,2,3,4]},"
      "{\"id\":2,\"image_id\":7.0,\"category_id\":1.0,\"bbox\":[1,2,30,40],\"iscrowd\":true},"
      "{\"id\":3,\"image_id\":8,\"category_id\":1,\"bbox\":[1,2,30,40],\"iscrowd\":false},"
      "{\"id\":4,\"image_id\":8,\"category_id\":1,\"bbox\":[9,9,30,40],\"iscrowd\":1.0}]}");
  ASSERT_EQ(data.samples.size(), 2u);
  EXPECT_EQ(data.class_names[0], "lung opacity");
  EXPECT_EQ(data.samples[0].image_id, "p1/a b");
  EXPECT_EQ(data.samples[0].patient_id, "p1/a b");
  EXPECT_EQ(data.samples[0].path, "root/p1/a b.jpg");
  EXPECT_EQ(data.samples[0].width, 100);
  for (const Sample& sample : data.samples) {
    EXPECT_EQ(sample.boxes.size(), 1u);
    EXPECT_EQ(sample.ignored.size(), 1u);
  }
}

TEST(Coco, StructuralFaultsNameThePlace) {
  const auto refuses = [](const std::string& text, const std::vector<std::string>& parts) {
    expect_error(Code::data, parts, [&] { parse(text); });
  };
  refuses("{\"images\":[],\"annotations\":[]}", {"t.json: has no 'categories'"});
  refuses("[]", {"t.json: is array"});
  refuses(coco(annotation(1, 8, 4, "[1,2,3,4]")), {"annotations[0].image_id", "no such image"});
  refuses(coco(annotation(1, 7, 5, "[1,2,3,4]")), {"category_id", "no such category"});
  refuses(coco(annotation(1, 7, 4, "[1,2,3]")), {"bbox: has 3 numbers"});
  refuses(coco(annotation(1, 7, 4, "[1,2,3,\"4\"]")), {"bbox[3]: is not a number"});
  refuses(coco(annotation(1, 7, 4, "[1,2,3,4]") + "," + annotation(1, 7, 4, "[1,2,3,4]")),
          {"annotations[1]", "twice"});
  refuses(coco("", ",{\"id\":7,\"file_name\":\"c\",\"width\":1,\"height\":1}"),
          {"images[2]", "id 7 comes twice"});
  refuses(coco("", ",{\"id\":8,\"file_name\":\"images/a.png\",\"width\":1,\"height\":1}"),
          {"images[2]", "'images/a' has a row already", "images[0] names 'images/a.jpg'"});
  refuses(coco("", ",{\"id\":8,\"file_name\":\"../x.png\",\"width\":1,\"height\":1}"),
          {"t.json: images[2].file_name", "'../x.png'", "outside the data folder"});
  refuses(coco("", ",{\"id\":8.5,\"file_name\":\"c\",\"width\":1,\"height\":1}"), {"images[2].id: is 8.5"});
  refuses(coco("", ",{\"id\":true,\"file_name\":\"c\",\"width\":1,\"height\":1}"), {"images[2].id: is true"});
  refuses(coco("", ",{\"id\":\"8\",\"file_name\":\"c\",\"width\":1,\"height\":1}"),
          {"images[2].id: is \"8\""});
  refuses(coco(annotation(1, 7, 4, "[1,2,3,4]", ",\"iscrowd\":2")), {"annotations[0].iscrowd: is 2"});
  refuses(coco(annotation(1, 7, 4, "[1,2,3,4]", ",\"iscrowd\":\"no\"")), {"annotations[0].iscrowd"});
  refuses(coco(annotation(1, 7, 4, "[1,2,3,4]", ",\"area\":-0.5")),
          {"annotations[0].area: is -0.5 (expected 0"});
  EXPECT_EQ(parse(coco(annotation(1, 7, 4, "[1,2,3,4]", ",\"area\":0"))).samples[0].boxes.size(), 1u);
  refuses(coco("", ",{\"id\":8,\"file_name\":\"\",\"width\":1,\"height\":1}"),
          {"images[2].file_name: is empty"});
  refuses(coco("", ",{\"id\":8,\"file_name\":\"c\",\"width\":0,\"height\":1}"), {"width: is 0"});
  refuses(coco("", ",{\"id\":8,\"file_name\":\"c\",\"width\":99999,\"height\":1}"), {"width: is 99999"});
}

// x, y, width and height of 1, or as YOLO has them: the middle, width and height.
TEST(Coco, BoxesInSharesOfTheFilm) {
  const std::string share = annotation(1, 7, 4, "[0.1,0.2,0.3,0.4]"),
                    middle = annotation(2, 3, 4, "[0.8,0.5,0.4,1]");
  const std::string question = "): are they shares of the film's width and height? (expected pixels)";
  EXPECT_EQ(
      parse(coco(share)).warnings,
      (std::vector<std::string>{"t.json: images[0]: the only box lies within one pixel (1 box" + question}));
  EXPECT_EQ(parse(coco(share + "," + middle)).warnings,
            (std::vector<std::string>{
                "t.json: images[0]: this box and all others lie within one pixel (2 boxes" + question}));
  for (const char* box : {"[0.1,0.2,1.1,0.4]", "[0.1,0.2,0.3,1.1]", "[1.1,0,1,1]", "[0,1.1,1,1]"})
    EXPECT_TRUE(parse(coco(share + "," + annotation(2, 3, 4, box))).warnings.empty()) << box << " is pixels";
  EXPECT_TRUE(parse(coco(share + "," + annotation(2, 3, 4, "[5,5,9,9]", ",\"iscrowd\":1"))).warnings.empty());
  EXPECT_TRUE(parse(coco("")).warnings.empty()) << "no box at all";
}

TEST(Coco, ABoxThatVanishesIsNamedByItsAnnotation) {
  const Dataset data = parse(coco(annotation(1, 7, 4, "[5,5,1e-9,5]")));
  ASSERT_EQ(data.rejected.size(), 1u);
  EXPECT_EQ(data.rejected[0].field, "width");
  EXPECT_EQ(data.rejected[0].reason.find("t.json: annotations[0]: is 1e-09 (expected more"), 0u)
      << data.rejected[0].reason;
}

}  // namespace
}  // namespace cawe::data
