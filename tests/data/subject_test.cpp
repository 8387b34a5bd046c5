// SPDX-License-Identifier: Apache-2.0
// Sex, age and view of every reader, in one spelling.
#include "data/subject.h"

#include <gtest/gtest.h>

#include <cmath>

#include "data/decode.h"
#include "data/fingerprint.h"
#include "data/formats/annotations/chexpert.h"
#include "data/formats/annotations/label_csv.h"
#include "data/formats/annotations/rsna.h"
#include "data/formats/dicom/film.h"
#include "tensor/io/files.h"
#include "tests/data/text_file.h"
#include "tests/data_dir.h"

namespace cawe::data {
namespace {

using cawe::testing::data_dir;
using cawe::testing::expect_error;
using cawe::testing::TempDir;

TEST(Subject, Spellings) {
  for (const char* text : {"F", "f", "female", "Female ", " FEMALE"}) EXPECT_EQ(parse_sex(text), "F") << text;
  for (const char* text : {"M", "male"}) EXPECT_EQ(parse_sex(text), "M") << text;
  EXPECT_EQ(parse_sex("O"), "O");
  for (const char* text : {"", "Unknown", "W", "0"}) EXPECT_EQ(parse_sex(text), "") << text;

  EXPECT_EQ(parse_age("60"), 60);
  EXPECT_EQ(parse_age("060Y"), 60);
  EXPECT_EQ(parse_age("22y"), 22);
  EXPECT_EQ(parse_age("018M"), 1.5);
  EXPECT_EQ(parse_age("240M"), 20) << "130 is a bound of years, not of months";
  EXPECT_NEAR(parse_age("010W"), 70 / 365.25, 1e-6);
  EXPECT_NEAR(parse_age("003D"), 3 / 365.25, 1e-6);
  EXPECT_EQ(parse_age("0"), 0);
  for (const char* text : {"", "Y", "old", "-3", "131", "nan", "60X", "6 0", "412Y", "60YY"})
    EXPECT_TRUE(std::isnan(parse_age(text))) << text;

  EXPECT_EQ(parse_age("63,5"), 63.5) << "as spreadsheets in most of Europe write it";
  EXPECT_EQ(parse_age(" 63,0 "), 63);
  for (const char* text : {"6,3,5", "1,234,5", "63,5X"}) EXPECT_TRUE(std::isnan(parse_age(text))) << text;

  const std::string blank = "\xC2\xA0";  // no-break
  EXPECT_EQ(parse_sex("F" + blank), "F");
  EXPECT_EQ(parse_sex(blank + " female" + blank), "F");
  EXPECT_EQ(parse_age("60" + blank), 60);
  EXPECT_EQ(parse_view("PA" + blank), "PA");
  EXPECT_EQ(parse_view("AP" + blank + "supine "), "AP SUPINE");
  EXPECT_EQ(parse_view("\xC3\x82"), "\xC3\x82") << "another letter of two bytes stays";

  EXPECT_EQ(parse_view(" pa "), "PA");
  EXPECT_EQ(parse_view("AP Supine"), "AP SUPINE");
  EXPECT_EQ(parse_view(""), "");
}

TEST(Subject, TablesSayItInColumns) {
  const TempDir dir;
  LabelCsvOptions o;
  o.csv = dir.file("t.csv", "image,patient,sex,age,view\na.png,1,F,54,AP\nb.png,2,,,\n");
  Dataset data = read_label_csv(o);
  EXPECT_EQ(data.samples[0].sex, "F");
  EXPECT_EQ(data.samples[0].age, 54);
  EXPECT_EQ(data.samples[0].view, "AP");
  EXPECT_EQ(data.samples[1].sex + data.samples[1].view, "");
  EXPECT_TRUE(std::isnan(data.samples[1].age));

  o.csv = dir.file("u.csv", "image,patient,Gender,years\na.png,1,male,7\n");
  data = read_label_csv(o);
  EXPECT_EQ(data.samples[0].sex, "") << "no column of the usual name: nothing is known, and nothing wrong";
  o.sex_column = "Gender";
  o.age_column = "years";
  data = read_label_csv(o);
  EXPECT_EQ(data.samples[0].sex, "M");
  EXPECT_EQ(data.samples[0].age, 7);
  o.view_column = "position";
  expect_error(Code::data, {"u.csv", "position"}, [&] { read_label_csv(o); });
}

TEST(Subject, Chexpert) {
  const TempDir dir;
  std::string text = "Path,Sex,Age,Frontal/Lateral,AP/PA";
  for (const std::string& label : chexpert_labels()) text += "," + label;
  const std::string none(14, ',');
  ChexpertOptions o;
  o.views = ChexpertOptions::Views::all;
  o.csv = dir.file("t.csv", text + "\ntrain/patient1/study1/v1.jpg,Female,68,Frontal,AP" + none +
                                "\ntrain/patient1/study1/v2.jpg,Female,68,Lateral," + none +
                                "\ntrain/patient2/study1/v1.jpg,Unknown,0,Frontal,PA" + none + "\n");
  const Dataset data = read_chexpert(o);
  ASSERT_EQ(data.samples.size(), 3u);
  EXPECT_EQ(data.samples[0].sex, "F");
  EXPECT_EQ(data.samples[0].age, 68);
  EXPECT_EQ(data.samples[0].view, "AP");
  EXPECT_EQ(data.samples[1].view, "LATERAL");
  EXPECT_EQ(data.samples[2].sex, "");
  EXPECT_EQ(data.samples[2].view, "PA");
}

TEST(Subject, RsnaFilmsSayItThemselves) {
  CAWE_NEEDS_DATA("dicom_cxr");
  const TempDir dir;
  RsnaOptions o;
  o.split_by_image = true;
  o.images_dir = (data_dir() / "dicom_cxr").string();
  o.labels_csv = dir.file("l.csv", "patientId,x,y,width,height,Target\ncovid_p31,,,,,0\ncovid_p103,,,,,0\n");
  Dataset data = read_rsna(o);
  EXPECT_EQ(data.samples[0].sex, "") << "the label file says nothing";
  data.samples[1].sex = "F";  // what a label file says comes first
  resolve_images(&data, image_facts_with({}));
  ASSERT_EQ(data.samples.size(), 2u);
  const auto tags_of = [](const std::string& path) { return parse_film(read_file(path), path).tags; };
  const DicomTags tags = tags_of(data.samples[0].path);
  EXPECT_EQ(tags.sex, "F");
  EXPECT_EQ(tags.view, "PA");
  EXPECT_EQ(data.samples[0].sex, "F");
  EXPECT_EQ(data.samples[0].view, "PA");
  EXPECT_EQ(tags_of(data.samples[1].path).sex, "O");
  EXPECT_EQ(data.samples[1].sex, "F");
}

TEST(Subject, RealTables) {
  CAWE_NEEDS_DATA("cxr_nih_mass");
  LabelCsvOptions o;
  o.csv = (data_dir() / "cxr_nih_mass/metadata.csv").string();
  const Dataset data = read_label_csv(o);
  ASSERT_EQ(data.samples.size(), 35u);
  EXPECT_EQ(data.samples[0].sex, "F");
  EXPECT_EQ(data.samples[0].age, 54);
  EXPECT_EQ(data.samples[0].view, "AP");
  for (const Sample& s : data.samples) {
    EXPECT_TRUE(s.sex == "F" || s.sex == "M") << s.image_id;
    EXPECT_FALSE(std::isnan(s.age)) << s.image_id;
    EXPECT_TRUE(s.view == "PA" || s.view == "AP") << s.image_id;
  }
}

}  // namespace
}  // namespace cawe::data
