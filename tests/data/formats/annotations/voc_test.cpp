// SPDX-License-Identifier: Apache-2.0
// VOC annotations: boxes, names and sizes, and the strictness of their XML.
#include "data/formats/annotations/voc.h"

#include <gtest/gtest.h>

#include "data/dataset.h"
#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

using cawe::testing::expect_error;
using cawe::testing::TempDir;

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

std::string voc_of(const std::string& file, const std::string& width, const std::string& object) {
  return "<annotation><filename>" + file + "</filename><size><width>" + width +
         "</width><height>80</height></size>" + object + "</annotation>";
}

TEST(Voc, UnknownSizesNamesWithoutEndingAndFolders) {
  const TempDir dir;
  const std::string object = voc_object("lung opacity", kWholeImage);
  dir.file("x/a.xml", voc_of("a", "0", object));
  dir.file("x/b.xml", voc_of("1.2.3.99", "100", object));
  dir.file("x/._c.xml", "macOS");
  dir.file("images/a.PNG", "x");
  dir.file("images/1.2.3.99.dcm", "x");
  VocOptions options{dir.path("x"), dir.path("images"), {}, true, dir.path()};
  Dataset data = read_voc(options);
  ASSERT_EQ(data.samples.size(), 2u);
  EXPECT_TRUE(data.rejected.empty());
  EXPECT_EQ(data.class_names, std::vector<std::string>{"lung opacity"});
  EXPECT_EQ(data.samples[0].path, dir.path("images/a.PNG"));
  EXPECT_EQ(data.samples[0].width, 0) << "not known";
  EXPECT_EQ(data.samples[0].height, 0);
  EXPECT_EQ(data.samples[1].image_id, "1.2.3.99");
  EXPECT_EQ(data.samples[1].path, dir.path("images/1.2.3.99.dcm"));
  // The picture tells its size, and a box is checked against it.
  resolve_images(&data, [](const std::string& path) {
    return path.find(".PNG") != path.npos ? std::pair<int, int>{90, 80} : std::pair<int, int>{100, 80};
  });
  ASSERT_EQ(data.samples.size(), 1u);
  EXPECT_EQ(data.samples[0].image_id, "1.2.3.99");
  EXPECT_NE(data.rejected[0].reason.find("leaves the image (90 px wide)"), std::string::npos);
  dir.file("x/d.xml", voc_of("../../d.png", "100", object));
  expect_error(Code::data, {"d.xml: <filename>", "'../../d.png'", "outside"}, [&] { read_voc(options); });
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

}  // namespace
}  // namespace cawe::data
