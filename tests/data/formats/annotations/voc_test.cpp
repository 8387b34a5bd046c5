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

// Some files were renamed: the word in the XML stays as it was.
TEST(Voc, AFilenameOlderThanTheFilesNames) {
  const TempDir dir;
  for (const char* name : {"0001.png", "0002.png", "0003.DCM", "0004.png", "sub/0002.png", "sub/0005.png"})
    dir.file(std::string("images/") + name, "x");
  const std::string object = voc_object("n", kWholeImage);
  dir.file("x/0001.xml", voc_of("0002.png", "100", object));  // there, and 0001.png, too
  dir.file("x/0003.xml", voc_of("0004", "100", object));      // the same of a DICOM film, without an ending
  dir.file("x/0005.xml", voc_of("sub/0002.png", "100", object));  // the same in the folder that it names
  dir.file("x/0004.xml",
           voc_of("0009.png", "100", object));  // not there, 0004.png is, but others are as named
  dir.file("x/0006.xml", voc_of("sub/0005.png", "100", object));  // only what it names is there
  dir.file("x/0007.xml", voc_of("0008.png", "100", object));      // neither is there
  dir.file("x/0002.png.xml", voc_of("0002.png", "100", object));  // as it should be
  const Dataset data = read_voc({dir.path("x"), dir.path("images"), {}, true});
  ASSERT_EQ(data.rejected.size(), 3u);
  EXPECT_EQ(data.rejected[0].file, dir.path("x/0001.xml"));
  EXPECT_EQ(data.rejected[0].field, "filename");
  EXPECT_EQ(data.rejected[0].reason,
            "<filename> names " + dir.path("images/0002.png") + ", but there is " +
                dir.path("images/0001.png") +
                ", called as this file is (expected only one of both: whose are the boxes? data.voc_names = "
                "\"filename\" or \"file\" believes one name alone)");
  EXPECT_NE(data.rejected[1].reason.find("0004.png, but there is " + dir.path("images/0003.DCM")),
            std::string::npos);
  EXPECT_NE(data.rejected[2].reason.find("sub/0002.png, but there is " + dir.path("images/sub/0005.png")),
            std::string::npos);
  std::vector<std::string> paths;
  for (const Sample& sample : data.samples) paths.push_back(sample.path);
  EXPECT_EQ(paths, (std::vector<std::string>{dir.path("images/0002.png"), dir.path("images/0009.png"),
                                             dir.path("images/sub/0005.png"), dir.path("images/0008.png")}));
  EXPECT_TRUE(data.warnings.empty());
}

// All were renamed: no old name that differs names a picture.
TEST(Voc, ASetThatWasRenamedAsAWhole) {
  const TempDir dir;
  for (const char* name : {"0001.png", "0002.png", "0003.png", "sub/0004.DCM"})
    dir.file(std::string("images/") + name, "x");
  const std::string object = voc_object("n", kWholeImage);
  dir.file("x/0001.xml", voc_of("old7.png", "100", object));
  dir.file("x/0002.xml", voc_of("0002.png", "100", object));  // as it should be
  dir.file("x/sub/0004.xml", voc_of("old9.png", "100", object));
  dir.file("x/0005.xml", voc_of("old8.png", "100", object));  // neither is there
  const auto paths = [&](Dataset* data) {
    *data = read_voc({dir.path("x"), dir.path("images"), {}, true});
    std::vector<std::string> out;
    for (const Sample& sample : data->samples) out.push_back(sample.path.substr(dir.path("images/").size()));
    return out;
  };
  Dataset data;
  EXPECT_EQ(paths(&data), (std::vector<std::string>{"0001.png", "0002.png", "old8.png", "sub/0004.DCM"}));
  EXPECT_TRUE(data.rejected.empty());
  ASSERT_EQ(data.samples.size(), 4u);
  EXPECT_EQ(data.samples[3].image_id, "0004");
  ASSERT_EQ(data.warnings.size(), 1u);
  EXPECT_EQ(data.warnings[0],
            dir.path("x/0001.xml") +
                ": <filename> names no picture that is there: the one that is called as the annotation file "
                "is read instead (2 files in all)");
  dir.file("x/0006.xml", voc_of("0003.png", "100", object));  // one other name that is there, behind them
  EXPECT_EQ(paths(&data),
            (std::vector<std::string>{"old7.png", "0002.png", "old8.png", "0003.png", "old9.png"}));
  EXPECT_TRUE(data.warnings.empty());
}

// Annotations that are numbered by themselves, beside films that have numbers of their own.
TEST(Voc, OneNameAloneIsBelieved) {
  const TempDir dir;
  for (const char* name : {"1.png", "2.png", "sub/1.png"}) dir.file(std::string("images/") + name, "x");
  const std::string object = voc_object("n", kWholeImage);
  dir.file("x/1.xml", voc_of("2.png", "100", object));
  dir.file("x/2.xml", voc_of("1.png", "100", object));
  dir.file("x/3.xml", voc_of("9.png", "100", object));
  dir.file("x/sub/1.xml", voc_of("../1.png", "100", object));  // meant is sub/1.png by its own name
  VocOptions options{dir.path("x"), dir.path("images"), {}, true};
  EXPECT_EQ(read_voc(options).rejected.size(), 2u) << "both names count";
  const auto paths = [&] {
    const Dataset data = read_voc(options);
    EXPECT_TRUE(data.rejected.empty());
    EXPECT_TRUE(data.warnings.empty());
    std::vector<std::string> out;
    for (const Sample& sample : data.samples) out.push_back(sample.path.substr(dir.path("images/").size()));
    return out;
  };
  options.names = VocNames::file;
  EXPECT_EQ(paths(), (std::vector<std::string>{"1.png", "2.png", "3", "sub/1.png"}));
  EXPECT_EQ(read_voc(options).samples.at(3).image_id, "sub/1") << "as two are called 1";
  std::filesystem::remove(dir.path("x/sub/1.xml"));
  options.names = VocNames::filename;
  EXPECT_EQ(paths(), (std::vector<std::string>{"2.png", "1.png", "9.png"}));
}

TEST(Voc, EndingsInAnyCaseAndFoldersBelow) {
  const TempDir dir;
  const std::string object = voc_object("n", kWholeImage);
  for (const char* name : {"a.png", "b.png", "sub/a.png", "c.png"})
    dir.file(std::string("images/") + name, "x");
  dir.file("x/a.xml", voc_of("a.png", "100", object));
  dir.file("x/b.XML", voc_of("b.png", "100", object));
  dir.file("x/sub/a.Xml", voc_of("a.png", "100", object));  // of the picture in the folder of the same name
  dir.file("x/sub/c.xml", voc_of("c.png", "100", object));  // which need not be there
  for (const char* name : {"x/._a.xml", "x/sub/._c.xml", "x/.old/a.xml", "x/.hidden.xml", "x/notes.xml.txt"})
    dir.file(name, "no XML");
  std::filesystem::create_directory_symlink(dir.path("x/sub"), dir.path("x/again"));
  std::filesystem::create_symlink(dir.path("nowhere"), dir.path("x/gone.xml"));
  const Dataset data = read_voc({dir.path("x"), dir.path("images"), {}, true});
  std::vector<std::string> ids;
  for (const Sample& sample : data.samples) ids.push_back(sample.image_id + " " + sample.path);
  EXPECT_EQ(ids, (std::vector<std::string>{"a " + dir.path("images/a.png"), "b " + dir.path("images/b.png"),
                                           "sub/a " + dir.path("images/sub/a.png"),
                                           "c " + dir.path("images/c.png")}));
  ASSERT_EQ(data.rejected.size(), 1u);
  EXPECT_EQ(data.rejected[0].file, dir.path("x/gone.xml"));
  ASSERT_EQ(data.warnings.size(), 1u);
  EXPECT_EQ(data.warnings[0], dir.path("x/again") + ": leads to the same folder as " + dir.path("x/sub") +
                                  ", whose annotations are read already; left out");
}

// The size is known after the boxes, of which those marked difficult are kept apart.
TEST(Voc, NamesTheLineOfABoxThatLeavesItsFilm) {
  const TempDir dir;
  dir.file("images/a.png", "x");
  const auto line_of_bad = [&](const std::string& objects) {
    dir.file("x/a.xml", voc_of("a", "0", objects));
    Dataset data = read_voc({dir.path("x"), dir.path("images"), {}, true});
    resolve_images(&data, [](const std::string&) { return std::pair<int, int>{60, 60}; });
    EXPECT_EQ(data.rejected.size(), 1u);
    if (data.rejected.empty()) return std::string();
    const std::string& reason = data.rejected[0].reason;
    return reason.substr(dir.path("x/a.xml").size(), reason.find(": box from") - dir.path("x/a.xml").size());
  };
  const auto box = [](int x) {
    return "<xmin>" + std::to_string(x) + "</xmin><ymin>1</ymin><xmax>" + std::to_string(x + 9) +
           "</xmax><ymax>9</ymax>";
  };
  const auto hard = [&](int x) { return "\n" + voc_object("n", box(x), true); };
  const auto plain = [&](int x) { return "\n" + voc_object("n", box(x)); };
  EXPECT_EQ(line_of_bad(hard(1) + plain(11) + plain(70) + hard(21)), ": line 4");
  EXPECT_EQ(line_of_bad(hard(1) + plain(11) + hard(70) + plain(21)), ": line 4") << "itself difficult";
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
