// SPDX-License-Identifier: Apache-2.0
// RSNA, CheXpert, boxes and their joins on small files with the known traps in them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "data/dataset.h"
#include "data/formats/annotations/chexpert.h"
#include "data/formats/annotations/label_csv.h"
#include "data/formats/annotations/rsna.h"
#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

using cawe::testing::expect_error;
using cawe::testing::TempDir;

const char* kBoxes =
    "patientId,x,y,width,height,Target\n"
    "aa,10,20,30,40,1\n"
    "aa,10,20,30,40,1\n"  // duplicate row
    "aa,100.5,20,30,40,1\n"
    "bb,,,,,0\n"
    "cc,1,2,3,4,0\n"             // Target 0 with a box
    "dd,,,,,1\n"                 // Target 1 without
    "ee,5,5,0,9,1\n"             // no width
    "ff,5,5,9,9,1\nff,,,,,0\n";  // both
const char* kMapping =
    "[{\"subset_img_id\":\"aa\",\"img_id\":\"00000007_000.png\",\"SOPInstanceUID\":\"1.2\"},"
    "{\"subset_img_id\":\"bb\",\"img_id\":\"00000007_003.png\"},"
    "{\"subset_img_id\":\"cc\",\"img_id\":\"00000008_000.png\"},{\"subset_img_id\":\"dd\",\"img_id\":"
    "\"00000009_000.png\"},{\"subset_img_id\":\"ee\",\"img_id\":\"00000010_000.png\"},"
    "{\"subset_img_id\":\"ff\",\"img_id\":\"00000011_000.png\"}]";

TEST(Rsna, PatientIdIsAnImageAndTheMappingNamesThePerson) {
  const TempDir dir;
  RsnaOptions options;
  options.labels_csv = dir.file("labels.csv", kBoxes);
  options.images_dir = "films";
  expect_error(Code::data, {"labels.csv", "names an image, not a person", "mapping"},
               [&] { read_rsna(options); });

  options.mapping_json = dir.file("mapping.json", kMapping);
  const Dataset data = read_rsna(options);
  ASSERT_EQ(data.samples.size(), 2u);
  EXPECT_TRUE(data.patients_known);
  EXPECT_EQ(data.samples[0].image_id, "aa");
  EXPECT_EQ(data.samples[0].path, "films/aa.dcm");
  EXPECT_EQ(data.samples[0].patient_id, "00000007");
  EXPECT_EQ(data.samples[1].patient_id, "00000007") << "two images of one person";
  ASSERT_EQ(data.samples[0].boxes.size(), 2u) << "the duplicate row is dropped";
  EXPECT_EQ(data.samples[0].boxes[1].x1, 100.5f);
  EXPECT_EQ(data.samples[0].boxes[1].x2, 130.5f);
  EXPECT_EQ(data.samples[0].boxes[1].y2, 60.f);
  EXPECT_EQ(data.warnings.size(), 1u);
  EXPECT_TRUE(data.samples[1].boxes.empty());
  EXPECT_TRUE(data.samples[1].has_box_annotation) << "Target 0: somebody looked and found nothing";
  EXPECT_EQ(data.samples[0].labels, std::vector<float>{1});
  EXPECT_EQ(data.samples[1].labels, std::vector<float>{0});
  ASSERT_EQ(data.rejected.size(), 4u);
  EXPECT_NE(data.rejected[0].reason.find("line 6: Target is 0 but there is a box"), std::string::npos);
  EXPECT_NE(data.rejected[1].reason.find("line 7: Target is 1 but"), std::string::npos);
  EXPECT_EQ(data.rejected[2].field, "width");
  EXPECT_NE(data.rejected[3].reason.find("0 and 1"), std::string::npos);
}

TEST(Rsna, WithoutMappingOnlyWhenAskedFor) {
  const TempDir dir;
  RsnaOptions options;
  options.labels_csv = dir.file("labels.csv", kBoxes);
  options.split_by_image = true;
  const Dataset data = read_rsna(options);
  EXPECT_FALSE(data.patients_known);
  EXPECT_EQ(data.samples[0].patient_id, "aa");
}

TEST(Rsna, DetailedClassesAreDeduplicatedAndChecked) {
  const TempDir dir;
  RsnaOptions options;
  options.split_by_image = true;
  options.labels = RsnaLabels::detailed;
  options.labels_csv =
      dir.file("labels.csv", "patientId,x,y,width,height,Target\naa,1,1,5,5,1\nbb,,,,,0\nzz,,,,,0\n");
  options.classes_csv = dir.file(
      "classes.csv", "patientId,class\naa,Lung Opacity\naa,Lung Opacity\nbb,No Lung Opacity / Not Normal\n");
  const Dataset data = read_rsna(options);
  ASSERT_EQ(data.samples.size(), 2u);
  EXPECT_EQ(data.samples[0].labels, (std::vector<float>{1, 0, 0}));
  EXPECT_EQ(data.samples[1].labels, (std::vector<float>{0, 1, 0}));
  ASSERT_EQ(data.rejected.size(), 1u);
  EXPECT_EQ(data.rejected[0].field, "class");
  options.classes_csv = dir.file("classes2.csv", "patientId,class\naa,Lung opacity\n");
  expect_error(Code::data, {"line 2", "Lung opacity"}, [&] { read_rsna(options); });
}

TEST(Rsna, BadCellsNameTheLine) {
  const TempDir dir;
  const std::string path = dir.file("a.csv", "patientId,x,y,width,height,Target\naa,1,1,5,5x,1\n");
  expect_error(Code::data, {"a.csv: line 2", "height is '5x'"}, [&] { read_rsna_boxes(path); });
  const std::string target = dir.file("b.csv", "patientId,x,y,width,height,Target\naa,1,1,5,5,2\n");
  expect_error(Code::data, {"b.csv: line 2", "Target is '2'"}, [&] { read_rsna_boxes(target); });
}

// The cells that pandas makes of the challenge's file: Target 1.0 beside empty and NaN cells.
TEST(Rsna, CellsOfOtherTools) {
  const TempDir dir;
  const RsnaBoxes boxes = read_rsna_boxes(
      dir.file("a.csv",
               ",patientId,x,y,width,height,Target\n0,aa,10.0,20.0,30.0,40.0,1.0\n1,bb,NaN,NaN,NaN,NaN,0.0\n"
               "2, cc ,,,,,FALSE\n"));
  ASSERT_EQ(boxes.images.size(), 3u);
  EXPECT_EQ(boxes.images[0].rows[0].box.x2, 40);
  EXPECT_TRUE(boxes.images[0].positive);
  EXPECT_FALSE(boxes.images[1].positive);
  EXPECT_EQ(boxes.images[1].problem, "");
  EXPECT_EQ(boxes.images[2].id, " cc ") << "as it is written";
  const RsnaBoxes german =
      read_rsna_boxes(dir.file("b.csv", "patientId;x;y;width;height;Target\r\naa;10,5;20;30;40;1\r\n"));
  EXPECT_EQ(german.images[0].rows[0].box.x1, 10.5);
  const std::string unknown = dir.file("c.csv", "patientId,x,y,width,height,Target\naa,,,,,\n");
  expect_error(Code::data, {"c.csv: line 2", "Target is ''"}, [&] { read_rsna_boxes(unknown); });
  const std::string blanks =
      dir.file("d.csv", "patientId,x,y,width,height,Target\naa,1,1,5,5,1\naa ,2,2,5,5,1\n");
  expect_error(Code::data, {"d.csv: line 3", "'aa '", "'aa' in", "d.csv: line 2", "blanks"},
               [&] { read_rsna_boxes(blanks); });
}

TEST(Rsna, NamesStayInsideAndKeepTheirDots) {
  const TempDir dir;
  RsnaOptions options;
  options.split_by_image = true;
  options.images_dir = dir.path("images");
  options.root = dir.path();
  options.labels_csv =
      dir.file("l.csv", "patientId,x,y,width,height,Target\n1.2.3.99,,,,,0\n1.2.3,,,,,0\nb.dcm,,,,,0\n");
  const Dataset data = read_rsna(options);
  EXPECT_EQ(data.samples[0].image_id, "1.2.3.99");
  EXPECT_EQ(data.samples[0].path, dir.path("images/1.2.3.99.dcm"));
  EXPECT_EQ(data.samples[1].image_id, "1.2.3");
  EXPECT_EQ(data.samples[2].image_id, "b");
  EXPECT_EQ(data.samples[2].path, dir.path("images/b.dcm"));
  options.labels_csv = dir.file("m.csv", "patientId,x,y,width,height,Target\na,,,,,0\n../../b,,,,,0\n");
  expect_error(Code::data, {"m.csv: line 3: patientId", "'../../b.dcm'", "outside"},
               [&] { read_rsna(options); });
}

TEST(Boxes, TenThousandInOneImageAtMost) {
  Dataset data;
  Sample sample;
  for (int i = 0; i < 10000; ++i) ASSERT_TRUE(add_box(&data, &sample, {double(i), 0, i + 1.0, 1}, 0, "t"));
  EXPECT_FALSE(add_box(&data, &sample, {0, 5, 1, 6}, 0, "t.csv: line 10002"));
  EXPECT_NE(data.rejected[0].reason.find("line 10002: more than 10000 boxes"), std::string::npos);
}

TEST(Boxes, RuleAtTheEdge) {
  const auto check = [](BoxD box, double x2_after, BoxCheck expected) {
    std::string field, reason;
    EXPECT_EQ(int(check_box(&box, 100, 80, &field, &reason)), int(expected)) << reason;
    if (expected != BoxCheck::bad) {
      EXPECT_EQ(box.x2, x2_after);
    }
  };
  check({10, 10, 100, 80}, 100, BoxCheck::ok);
  check({-1, 10, 101, 80}, 100, BoxCheck::clipped);
  check({10, 10, 101.01, 80}, 0, BoxCheck::bad);
  check({10, -1.01, 20, 80}, 0, BoxCheck::bad);
  check({10, 10, 10, 80}, 0, BoxCheck::bad);
  check({10, 10, 9, 80}, 0, BoxCheck::bad);
  check({NAN, 10, 20, 80}, 0, BoxCheck::bad);
  check({10, 10, INFINITY, 80}, 0, BoxCheck::bad);
  check({100, 10, 101, 80}, 0, BoxCheck::bad);     // inside the slack but nothing is left of it
  check({5, 10, 5 + 1e-9, 80}, 0, BoxCheck::bad);  // nothing is left of it in 32-bit numbers
  check({100 - 1e-9, 10, 101, 80}, 0, BoxCheck::bad);
}

// The film's size is known after the boxes: what is wrong with them is still in their own table.
TEST(Boxes, OneThatLeavesItsFilmIsNamedByItsOwnTable) {
  const TempDir dir;
  Dataset data;
  for (const char* id : {"a", "b"}) {
    Sample sample;
    sample.image_id = id;
    sample.path = dir.file(std::string(id) + ".png", "x");
    sample.where = "metadata.csv: line 2";
    data.samples.push_back(sample);
  }
  attach_rsna_boxes(&data,
                    dir.file("boxes.csv",
                             "patientId,x,y,width,height,Target\nb,27,1,5.5,5,1\na,1,1,5,5,1\na,1,1,5,5,1\n"
                             "a,31,1,5,5,1\n"));
  data.warnings.clear();
  resolve_images(&data, [](const std::string&) { return std::pair<int, int>{32, 32}; });
  ASSERT_EQ(data.rejected.size(), 1u);
  EXPECT_EQ(data.rejected[0].field, "x");
  EXPECT_EQ(data.rejected[0].reason,
            dir.path("boxes.csv") + ": line 5: box from 31 to 36 leaves the image (32 px wide)");
  EXPECT_EQ(data.warnings,
            (std::vector<std::string>{dir.path("boxes.csv") +
                                      ": line 2: box reached over the edge by up to 1 px; clipped"}));
  EXPECT_TRUE(data.samples[0].box_where.empty()) << "needed no more";
}

TEST(Images, MissingOddAndResizedFilesAreRejected) {
  const TempDir dir;
  Dataset data;
  data.class_names = {"a"};
  for (const char* id : {"good", "gone", "broken", "huge", "wrong", "outside", "small", "ignored"}) {
    Sample sample;
    sample.image_id = id;
    sample.path = std::string(id) == "gone" ? dir.path("gone") : dir.file(id, "x");
    data.samples.push_back(sample);
  }
  data.samples[0].boxes = {{5, 5, 100.5f, 90}};
  data.samples[4].width = data.samples[4].height = 50;
  data.samples[0].ignored = {{5, -0.5f, 50, 90}};
  data.samples[5].boxes = {{5, 5, 150, 90}};
  data.samples[7].ignored = {{5, 5, 90, 150}};
  const SizeOf size_of = [](const std::string& path) -> std::pair<int, int> {
    const std::string id = stem(path);
    if (id == "broken") fail(Code::data, path, ": truncated");
    if (id == "huge") return {20000, 10};
    if (id == "small") return {100, 30};
    return {100, 100};
  };
  resolve_images(&data, size_of, 64);
  ASSERT_EQ(data.samples.size(), 1u);
  EXPECT_EQ(data.samples[0].width, 100);
  EXPECT_EQ(data.samples[0].boxes[0].x2, 100.f);
  EXPECT_EQ(data.samples[0].ignored[0].y1, 0.f) << "a region without scores is a box, too";
  EXPECT_EQ(data.warnings.size(), 2u);
  ASSERT_EQ(data.rejected.size(), 7u);
  const char* fields[] = {"file", "file", "size", "size", "x", "size", "y"};
  for (int i = 0; i < 7; ++i)
    EXPECT_EQ(data.rejected[size_t(i)].field, fields[i]) << data.rejected[size_t(i)].reason;
}

TEST(Images, AMissingFileSaysWhoNamedItAndWhatIsThere) {
  const TempDir dir;
  dir.file("Film.PNG", "x");
  Dataset data;
  data.samples.resize(2);
  data.samples[0].image_id = "film";
  data.samples[0].path = dir.path("film.png");
  data.samples[0].where = "metadata.csv: line 2";
  data.samples[1].image_id = "gone";
  data.samples[1].path = dir.path("gone.png");
  resolve_images(&data, [](const std::string&) { return std::pair<int, int>{9, 9}; });
  ASSERT_EQ(data.rejected.size(), 2u);
  EXPECT_EQ(data.rejected[0].reason,
            "metadata.csv: line 2: does not exist (there is 'Film.PNG': expected the same letters)");
  EXPECT_EQ(data.rejected[1].reason, "does not exist");
}

std::string chexpert_csv(const std::string& rows) {
  std::string text = "Path,Sex,Age,Frontal/Lateral,AP/PA";
  for (const std::string& label : chexpert_labels()) text += "," + label;
  return text + "\n" + rows;
}
const char* kChexpertRows =
    "CheXpert-v1.0-small/train/patient00001/study1/"
    "view1_frontal.jpg,Female,68,Frontal,AP,1.0,,,,,,,,,0.0,,,,-1.0\n"
    "CheXpert-v1.0-small/train/patient00001/study1/"
    "view2_lateral.jpg,Female,68,Lateral,,1.0,,,,,,,,,0.0,,,,1.0\n";

TEST(Chexpert, PoliciesForUncertainAndBlank) {
  const TempDir dir;
  ChexpertOptions options;
  options.csv = dir.file("train.csv", chexpert_csv(kChexpertRows));
  options.root = "/data";
  Dataset data = read_chexpert(options);
  ASSERT_EQ(data.samples.size(), 1u) << "frontal views only";
  EXPECT_EQ(data.samples[0].patient_id, "patient00001");
  EXPECT_EQ(data.samples[0].image_id, "patient00001_study1_view1_frontal");
  EXPECT_EQ(data.samples[0].path, "/data/train/patient00001/study1/view1_frontal.jpg");
  ASSERT_EQ(data.samples[0].labels.size(), 14u);
  EXPECT_EQ(data.samples[0].labels[0], 1.f);
  EXPECT_EQ(data.samples[0].labels[1], 0.f);
  EXPECT_EQ(data.samples[0].labels[13], 1.f) << "U-Ones by default";
  options.uncertain = ChexpertOptions::Uncertain::zeros;
  EXPECT_EQ(read_chexpert(options).samples[0].labels[13], 0.f);
  options.uncertain = ChexpertOptions::Uncertain::ignore;
  options.blank = ChexpertOptions::Blank::ignore;
  options.views = ChexpertOptions::Views::all;
  data = read_chexpert(options);
  EXPECT_EQ(data.samples.size(), 2u);
  EXPECT_TRUE(std::isnan(data.samples[0].labels[13]));
  EXPECT_TRUE(std::isnan(data.samples[0].labels[1]));
  EXPECT_EQ(data.samples[0].labels[9], 0.f);
}

TEST(Chexpert, UnknownValueNamesItsLine) {
  const TempDir dir;
  ChexpertOptions options;
  options.csv =
      dir.file("train.csv", chexpert_csv("train/patient1/study1/v.jpg,F,1,Frontal,AP,2.0,,,,,,,,,,,,,\n"));
  expect_error(Code::data, {"train.csv: line 2", "No Finding is '2.0'"}, [&] { read_chexpert(options); });
}

TEST(Chexpert, PathsStayInsideAndIdsKeepTheirDots) {
  const TempDir dir;
  ChexpertOptions options;
  options.root = dir.path();
  const auto read = [&](const std::string& path) {
    options.csv = dir.file("train.csv", chexpert_csv(path + ",F,1,Frontal,AP,1.0,,,,,,,,,,,,,\n"));
    return read_chexpert(options).samples[0];
  };
  EXPECT_EQ(read("train/patient1/study1/1.2.99").image_id, "patient1_study1_1.2.99");
  EXPECT_EQ(read("train\\patient1\\study1\\v.jpg").path, dir.path("train/patient1/study1/v.jpg"));
  expect_error(Code::data,
               {"train.csv: line 2: Path", "/data/patient1/study1/v.jpg", "outside", "allow_outside"},
               [&] { read("/data/patient1/study1/v.jpg"); });
  options.allow_outside = true;
  EXPECT_EQ(read("/data/patient1/study1/v.jpg").path, "/data/patient1/study1/v.jpg");
}

LabelCsvOptions table_options() {
  LabelCsvOptions options;
  options.csv = "pack/metadata.csv";
  options.images_dir = "pack/images";
  return options;
}

TEST(Joins, BoxesByNameWithEndingAndFolder) {
  const TempDir dir;
  LabelCsvOptions options = table_options();
  options.patient_column = "";
  Dataset data = parse_label_csv("image\np1/v.png\np2/v.png\n1.2.3.99\n1.2.3\n", options);
  attach_rsna_boxes(&data, dir.file("b.csv",
                                    "patientId,x,y,width,height,Target\np1\\v.png,1,1,5,5,1\np2/v,2,2,5,5,1\n"
                                    "1.2.3.99.dcm,3,3,5,5,1\n1.2.3,4,4,5,5,1\n"));
  EXPECT_TRUE(data.rejected.empty());
  ASSERT_EQ(data.samples.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    ASSERT_EQ(data.samples[i].boxes.size(), 1u) << i;
    EXPECT_EQ(data.samples[i].boxes[0].x1, float(i + 1));
  }
  const std::string twice =
      dir.file("c.csv", "patientId,x,y,width,height,Target\nv.png,1,1,5,5,1\nv,2,2,5,5,1\n");
  expect_error(Code::data, {"c.csv: line 3", "'v' and 'v.png'", "c.csv: line 2"},
               [&] { attach_rsna_boxes(&data, twice); });
}

// Who is whose is decided by folders and endings, and not by which row or film comes first.
TEST(Joins, InAnyOrderOfRowsAndFilms) {
  const TempDir dir;
  LabelCsvOptions options = table_options();
  options.patient_column = "";
  const auto join = [&](std::vector<std::string> films, std::vector<std::string> rows, bool turned) {
    if (turned) std::reverse(films.begin(), films.end());
    if (turned) std::reverse(rows.begin(), rows.end());
    std::string table = "image\n", boxes = "patientId,x,y,width,height,Target\n";
    for (const std::string& film : films) table += film + "\n";
    for (const std::string& row : rows) boxes += row + "\n";
    Dataset data = parse_label_csv(table, options);
    attach_rsna_boxes(&data, dir.file("b.csv", boxes));
    return data;
  };
  for (const bool turned : {false, true}) {
    // Another person's film of the same name is in the table of boxes alone.
    Dataset data = join({"p1/v.png"}, {"p1/v,1,1,5,5,1", "p2/v,2,2,5,5,1"}, turned);
    ASSERT_EQ(data.samples.size(), 1u);
    EXPECT_EQ(data.samples[0].boxes[0].x1, 1.f);
    ASSERT_EQ(data.rejected.size(), 1u);
    EXPECT_EQ(data.rejected[0].file, "p2/v");
    data = join({"p1/v.png"}, {"p2/v,2,2,5,5,1"}, turned);
    EXPECT_TRUE(data.samples[0].boxes.empty()) << "never another folder's film";
    data = join({"p1/v.png", "w.png"}, {"v,1,1,5,5,1", "images/w.png,2,2,5,5,1"}, turned);
    EXPECT_TRUE(data.rejected.empty()) << "folders may be left out, and there may be more of them";
    EXPECT_EQ(data.samples[turned ? 1 : 0].boxes[0].x1, 1.f);
    EXPECT_EQ(data.samples[turned ? 0 : 1].boxes[0].x1, 2.f);
    expect_error(Code::data, {"b.csv: line 2: patientId 'v' could be", "p1/v.png", "p2/v.png"}, [&] {
      join({"p1/v.png", "p2/v.png"}, {"v,1,1,5,5,1"}, turned);
    });
    expect_error(Code::data, {"b.csv: line 3", "'v.png'", "'v.dcm'", "one spelling"}, [&] {
      join({"v"}, {"v.png,1,1,5,5,1", "v.dcm,2,2,5,5,1"}, turned);
    });
  }
}

TEST(Joins, BoxesFromAnotherTable) {
  const TempDir dir;
  LabelCsvOptions options = table_options();
  options.patient_column = "";
  Dataset data = parse_label_csv("image\naa.png\nbb.png\ncc.png\nee.png\nqq.png\n", options);
  EXPECT_FALSE(data.patients_known);
  attach_rsna_boxes(&data, dir.file("boxes.csv", kBoxes));
  ASSERT_EQ(data.samples.size(), 3u) << "cc and ee contradict themselves";
  EXPECT_EQ(data.samples[0].boxes.size(), 2u);
  EXPECT_TRUE(data.samples[1].has_box_annotation);
  EXPECT_FALSE(data.samples[2].has_box_annotation) << "no row: not looked at";
  EXPECT_EQ(data.counts.at("images without box annotation"), 1);
  EXPECT_EQ(data.rejected.size(), 4u) << "cc, ee, and the rows of dd and ff have no image";
}

// A join's boxes are looked at as a reader's are, and counted.
TEST(Joins, BoxesInSharesOfTheFilm) {
  const TempDir dir;
  LabelCsvOptions options = table_options();
  options.patient_column = "";
  Dataset data = parse_label_csv("image\naa.png\nbb.png\n", options);
  attach_rsna_boxes(&data,
                    dir.file("b.csv", "patientId,x,y,width,height,Target\nbb,0.25,0.5,0.125,0.25,1\n"));
  EXPECT_EQ(data.counts.at("boxes"), 1);
  ASSERT_EQ(data.warnings.size(), 1u);
  EXPECT_EQ(data.warnings[0], dir.path("b.csv") +
                                  ": line 2: the only box lies within one pixel (1 box): are they "
                                  "shares of the film's width and height? (expected pixels)");
}

TEST(Rejects, TableCanBeReadBack) {
  const TempDir dir;
  write_rejected(dir.path("rejected.csv"), {{"a,b.png", "width", "is 0 (expected > 0)"}});
  std::ifstream in(dir.path("rejected.csv"));
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(text, "file,field,reason\n\"a,b.png\",width,is 0 (expected > 0)\n");
}

}  // namespace
}  // namespace cawe::data
