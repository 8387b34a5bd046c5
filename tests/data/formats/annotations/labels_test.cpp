// SPDX-License-Identifier: Apache-2.0
// RSNA, CheXpert, VOC, label tables and picture folders on small files with the known traps in them.
#include <gtest/gtest.h>

#include <cmath>

#include "data/dataset.h"
#include "data/formats/annotations/chexpert.h"
#include "data/formats/annotations/imagenet.h"
#include "data/formats/annotations/label_csv.h"
#include "data/formats/annotations/rsna.h"
#include "data/formats/annotations/voc.h"
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
  check({100, 10, 101, 80}, 0, BoxCheck::bad);  // inside the slack but nothing is left of it
}

TEST(Images, MissingOddAndResizedFilesAreRejected) {
  const TempDir dir;
  Dataset data;
  data.class_names = {"a"};
  for (const char* id : {"good", "gone", "broken", "huge", "wrong", "outside", "small"}) {
    Sample sample;
    sample.image_id = id;
    sample.path = std::string(id) == "gone" ? dir.path("gone") : dir.file(id, "x");
    data.samples.push_back(sample);
  }
  data.samples[0].boxes = {{5, 5, 100.5f, 90}};
  data.samples[4].width = data.samples[4].height = 50;
  data.samples[5].boxes = {{5, 5, 150, 90}};
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
  EXPECT_EQ(data.warnings.size(), 1u);
  ASSERT_EQ(data.rejected.size(), 6u);
  const char* fields[] = {"file", "file", "size", "size", "x", "size"};
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(data.rejected[size_t(i)].field, fields[i]) << data.rejected[size_t(i)].reason;
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

std::string voc_xml(const std::string& objects) {
  return "<?xml version=\"1.0\"?>\n<annotation verified='yes'><filename>a &amp; b.jpg</filename><!-- c -->\n"
         "<size><width>100</width><height>80</height><depth>3</depth></size>" +
         objects + "</annotation>\n";
}
std::string voc_object(const std::string& name, const std::string& box, bool difficult = false) {
  return "<object><name>" + name + "</name><difficult>" + (difficult ? "1" : "0") + "</difficult><bndbox>" +
         box + "</bndbox></object>";
}
const char* kWholeImage = "<xmin>1</xmin><ymin>1</ymin><xmax>100</xmax><ymax>80</ymax>";

TEST(Voc, CountsFromOneAndIncludesTheLastPixel) {
  const VocAnnotation voc = parse_voc(voc_xml(voc_object("RBC", kWholeImage)), "a.xml");
  EXPECT_EQ(voc.file_name, "a & b.jpg");
  ASSERT_EQ(voc.objects.size(), 1u);
  const BoxD& box = voc.objects[0].box;
  EXPECT_EQ(box.x1, 0);
  EXPECT_EQ(box.y1, 0);
  EXPECT_EQ(box.x2, 100);
  EXPECT_EQ(box.y2, 80);
  EXPECT_EQ(parse_voc(voc_xml(voc_object("RBC", kWholeImage)), "a.xml", false).objects[0].box.x1, 1);
}

TEST(Voc, FolderWithGoodAndBadFiles) {
  const TempDir dir;
  dir.file("a.xml", voc_xml(voc_object("WBC", kWholeImage) + voc_object("RBC", kWholeImage, true)));
  dir.file("b.xml", "<annotation><filename>b.jpg</filename></annotation>");
  dir.file("notes.txt", "nothing");
  const Dataset data = read_voc({dir.path(), "pictures", {}, true});
  ASSERT_EQ(data.samples.size(), 1u);
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"RBC", "WBC"}));
  EXPECT_EQ(data.samples[0].box_classes, std::vector<int>{1});
  EXPECT_EQ(data.samples[0].ignored.size(), 1u) << "difficult";
  ASSERT_EQ(data.rejected.size(), 1u);
  EXPECT_NE(data.rejected[0].reason.find("has no <size>"), std::string::npos);
  EXPECT_EQ(read_voc({dir.path(), "", {"RBC"}, true}).rejected.size(), 2u) << "WBC is not among the classes";
}

TEST(Voc, XmlIsStrict) {
  const auto refuses = [](const std::string& text, const std::string& part) {
    expect_error(Code::data, {"a.xml", part}, [&] { parse_voc(text, "a.xml"); });
  };
  refuses("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "document types and entities are refused");
  refuses("<a>&x;</a>", "not built in");
  refuses("<a>&#65;</a>", "not built in");
  refuses("<a><![CDATA[x]]></a>", "CDATA");
  refuses("<a><?php x?></a>", "processing instructions");
  refuses("<a>\n<b></a></b>", "line 2: a closing tag closes another element");
  refuses("<a>", "never ends");
  refuses("<a/><b/>", "an element after the root");
  refuses("<a/>text", "text after the root");
  refuses("text<a/>", "no element");
  refuses("<a/><?xml version='1.0'?>", "declarations");
  refuses("<a>x & y</a>", "not built in");
  refuses("<a><1/></a>", "a name was expected");
  refuses("<!DOCTYPE a [", "document types and entities are refused");
  refuses("<a b></a>", "attribute without a value");
  refuses("<a b=c></a>", "without quotes");
  refuses("<a><!-- x</a>", "missing '-->'");
  refuses("", "no element");
  refuses(std::string("<a>\0</a>", 8), "NUL");
  std::string deep, wide = "<a>";
  for (int i = 0; i < 33; ++i) deep = "<a>" + deep + "</a>";
  refuses(deep, "deeper than 32");
  for (int i = 0; i < 1000000; ++i) wide += "<b/>";
  refuses(wide + "</a>", "more than 1000000 tags");
  refuses("<a/>", "root is <a> (expected <annotation>)");
}

TEST(Voc, NamesTheLineOfWhatIsWrong) {
  const std::string object = voc_object("R<!-- -->BC", kWholeImage);
  EXPECT_EQ(parse_voc(voc_xml("\n" + object + "\n\n" + object), "a.xml").objects[1].line, 6u);
  EXPECT_EQ(parse_voc(voc_xml(object), "a.xml").objects[0].name, "RBC");
  expect_error(Code::data, {"a.xml: line 4: <ymin> is 'two' (expected a number)"}, [&] {
    parse_voc(voc_xml(object + "\n" + voc_object("a", "<xmin>1</xmin><ymin> two </ymin>")), "a.xml");
  });
  expect_error(Code::data, {"a.xml: line 3: <bndbox> has no <xmin>"},
               [] { parse_voc(voc_xml(voc_object("a", "")), "a.xml"); });
  expect_error(Code::data, {"a.xml: line 3: an object without a name"},
               [] { parse_voc(voc_xml(voc_object(" ", kWholeImage)), "a.xml"); });
}

LabelCsvOptions table_options() {
  LabelCsvOptions options;
  options.csv = "pack/metadata.csv";
  options.images_dir = "pack/images";
  return options;
}

TEST(LabelCsv, LabelColumns) {
  LabelCsvOptions options = table_options();
  options.label_columns = {"mass", "nodule"};
  options.extension = ".png";
  options.patient_prefix = "nih:";
  const Dataset data =
      parse_label_csv("nodule,patient,mass,image\n0,7,1,a\n,7,0,b.png\n2,8,0,c\n1,,0,d\n", options);
  ASSERT_EQ(data.samples.size(), 2u);
  EXPECT_EQ(data.label_names, (std::vector<std::string>{"mass", "nodule"}));
  EXPECT_EQ(data.samples[0].labels, (std::vector<float>{1, 0}));
  EXPECT_TRUE(std::isnan(data.samples[1].labels[1])) << "empty is masked, never a silent 0";
  EXPECT_EQ(data.samples[0].patient_id, "nih:7");
  EXPECT_EQ(data.samples[0].path, "pack/images/a.png");
  EXPECT_EQ(data.samples[1].path, "pack/images/b.png");
  EXPECT_EQ(data.samples[0].source, "pack");
  ASSERT_EQ(data.rejected.size(), 2u);
  EXPECT_EQ(data.rejected[0].field, "nodule");
  EXPECT_EQ(data.rejected[1].field, "patient");
  EXPECT_EQ(data.counts.at("positive mass"), 1);
}

TEST(LabelCsv, FindingsThroughAMapWithoutSilentDefaults) {
  LabelCsvOptions options = table_options();
  options.finding_column = "finding";
  options.finding_separator = "|";
  options.findings = {{"Mass", "mass"}, {"Nodule", "nodule"}, {"No Finding", ""}, {"Lump", "mass"}};
  const char* text = "image,patient,finding\na.jpg,1,Mass|Nodule\nb.jpg,2,No Finding\nc.jpg,3,Lump\n";
  Dataset data = parse_label_csv(text, options);
  ASSERT_EQ(data.samples.size(), 3u);
  EXPECT_EQ(data.label_names, (std::vector<std::string>{"mass", "nodule"}));
  EXPECT_EQ(data.samples[0].labels, (std::vector<float>{1, 1}));
  EXPECT_EQ(data.samples[1].labels, (std::vector<float>{0, 0}));
  EXPECT_EQ(data.samples[2].labels, (std::vector<float>{1, 0}));
  options.findings = {{"Mass", "mass"}, {"No Finding", ""}};
  expect_error(Code::data, {"line 2", "'Nodule' is not in the map"}, [&] { parse_label_csv(text, options); });
  options.findings.push_back({"*", "other"});
  data = parse_label_csv(text, options);
  EXPECT_EQ(data.samples[0].labels, (std::vector<float>{1, 1}));
  EXPECT_EQ(data.samples[1].labels, (std::vector<float>{0, 0}));
  EXPECT_EQ(data.samples[2].labels, (std::vector<float>{0, 1}));
}

TEST(LabelCsv, TwoRowsForOneImageAreAnError) {
  expect_error(Code::data, {"pack/metadata.csv: line 3", "'a' has a row already"},
               [] { parse_label_csv("image,patient\na.png,1\na.jpg,1\n", table_options()); });
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

TEST(Folder, PicturesWithAndWithoutClasses) {
  const TempDir dir;
  for (const char* name : {"cat/a.JPG", "cat/b.png", "dog/a.jpeg", "dog/readme.txt", ".git/x.png"})
    dir.file(name, "x");
  const Dataset data = read_image_folder({dir.path(), true});
  ASSERT_EQ(data.samples.size(), 3u);
  EXPECT_EQ(data.label_names, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(data.samples[2].image_id, "dog_a");
  EXPECT_EQ(data.samples[2].labels, (std::vector<float>{0, 1}));
  EXPECT_EQ(data.counts.at("other files"), 1);
  dir.file("top.png", "x");
  EXPECT_EQ(read_image_folder({dir.path(), false}).samples.size(), 4u);
  expect_error(Code::data, {"outside class folders"}, [&] { read_image_folder({dir.path(), true}); });
  expect_error(Code::data, {"is no folder"}, [&] { read_image_folder({dir.path("none"), true}); });
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
