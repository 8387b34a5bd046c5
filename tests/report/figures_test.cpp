// SPDX-License-Identifier: Apache-2.0
// The study's figures: CSV tables hold what is drawn, drawings hold every part, files are whole.
#include <gtest/gtest.h>
#include <unistd.h>
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "data/formats/table/csv.h"
#include "report/base64.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tests/report/made_up_report.h"

namespace cawe::report {
namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

data::CsvTable table(const Figure& figure) { return data::CsvTable::parse(figure.csv, figure.name); }

/// Rows whose column has the given text.
std::vector<size_t> where(const data::CsvTable& csv, const char* column, const std::string& text) {
  std::vector<size_t> rows;
  for (size_t i = 0; i < csv.rows(); ++i)
    if (csv.at(i, csv.column(column)) == text) rows.push_back(i);
  return rows;
}

PipelineExample pipeline() {
  PipelineExample e;
  e.image = "film <1>";
  e.grey = {2, 1, 1, {100, 200}};
  e.map = {2, 1, 1, {0, 255}};
  e.fused = testing::fused(e.grey, e.map, .5);
  e.width = 200;
  e.height = 100;
  e.truth = {{50, 25, 150, 75}};
  e.found = {{{60, 30, 140, 70}, .75, true}, {{0, 0, 20, 20}, .25, false}};
  e.detector = "RetinaNet";
  return e;
}

TEST(Base64, Rfc4648Examples) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

TEST(Base64, PiecesOfALongTextMeetWithoutPadding) {
  std::string expected;
  for (int i = 0; i < (1 << 20) + 1; ++i) expected += "eHh4";
  EXPECT_TRUE(base64(std::string((size_t(3) << 20) + 4, 'x')) == expected + "eA==");
}

TEST(Heat, EndsAndOverlay) {
  EXPECT_EQ(heat(0), (std::array<double, 3>{0, 0, 4}));
  EXPECT_EQ(heat(255), (std::array<double, 3>{252, 255, 164}));
  const FigurePicture grey{2, 1, 1, {100, 200}}, map{2, 1, 1, {0, 255}};
  const FigurePicture over = heat_overlay(grey, map);
  ASSERT_EQ(over.pixels.size(), 6u);
  EXPECT_EQ(over.pixels[0], 100) << "no map, no colour";
  EXPECT_EQ(over.pixels[3], std::lround(.45 * 200 + .55 * 252));
  EXPECT_EQ(over.pixels[5], std::lround(.45 * 200 + .55 * 164));
  EXPECT_THROW(heat_overlay(grey, {1, 1, 1, {0}}), Error);
  EXPECT_THROW(picture_uri({2, 2, 1, {0}}), Error);
}

TEST(Figure1, ShowsEveryStageAndItsBoxes) {
  PipelineExample e = pipeline();
  const Figure grey = figure_pipeline(e);
  EXPECT_EQ(count(grey.svg, "<image"), 4u);
  EXPECT_EQ(grey.svg.find("film <1>"), std::string::npos);
  EXPECT_EQ(grey.svg.find("colorizer"), std::string::npos);
  e.colour = testing::tinted(e.grey);
  const Figure colour = figure_pipeline(e);
  EXPECT_EQ(count(colour.svg, "<image"), 5u);
  EXPECT_NE(colour.svg.find("colorizer"), std::string::npos);
  EXPECT_EQ(count(colour.svg, "stroke=\"#4c8dff\""), 1u);
  EXPECT_EQ(count(colour.svg, "stroke=\"#ff9a4d\""), 2u);
  EXPECT_EQ(count(colour.svg, "stroke-dasharray=\"5 4\"/>"), 1u) << "one box is wrong";
  // The last picture is 196 wide and 98 high, at (868, 150 + 49): a true box over its middle half.
  EXPECT_NE(colour.svg.find("x=\"917.0\" y=\"223.5\" width=\"98.0\" height=\"49.0\" fill=\"none\" "
                            "stroke=\"#4c8dff\""),
            std::string::npos);
  const data::CsvTable csv = table(colour);
  EXPECT_EQ(where(csv, "part", "e").size(), 1u);
  const auto boxes = where(csv, "part", "box");
  ASSERT_EQ(boxes.size(), 3u);
  EXPECT_EQ(csv.at(boxes[1], csv.column("name")), "right");
  EXPECT_EQ(csv.number(boxes[1], csv.column("score")), .75);
  EXPECT_EQ(csv.number(boxes[2], csv.column("x2")), 20);
  e.map = {};
  EXPECT_THROW(figure_pipeline(e), Error);
}

TEST(Figure2, ShowsClassesGradientsMapsAndTheBlueBox) {
  AttentionExample e;
  e.image = "film";
  e.film = {4, 4, 1, std::vector<uint8_t>(16, 90)};
  e.map = {4, 4, 1, std::vector<uint8_t>(16, 128)};
  e.width = e.height = 4;
  e.truth = {{1, 1, 3, 3}};
  e.classes = {{"opacity", .9, true, {.5, -.25}}, {"mass", .2, false, {}}};
  e.channels = {{7, .5, {1, 1, 1, {255}}}};
  const Figure figure = figure_attention(e);
  EXPECT_EQ(count(figure.svg, "<image"), 4u) << "film, map, overlay, one feature map";
  EXPECT_EQ(count(figure.svg, "stroke=\"#4c8dff\""), 2u) << "on the film and on the overlay";
  EXPECT_NE(figure.svg.find("v-18.00"), std::string::npos) << "the largest gradient fills the strip";
  EXPECT_NE(figure.svg.find("v9.00"), std::string::npos) << "half of it, downward";
  const data::CsvTable csv = table(figure);
  ASSERT_EQ(where(csv, "part", "gradient").size(), 2u);
  EXPECT_EQ(csv.number(where(csv, "part", "gradient")[1], csv.column("value")), -.25);
  EXPECT_EQ(csv.number(where(csv, "part", "sigma")[0], csv.column("value")), .9);
  EXPECT_EQ(csv.at(where(csv, "part", "sigma")[0], csv.column("index")), "active");
  EXPECT_EQ(csv.number(where(csv, "part", "channel")[0], csv.column("index")), 7);
  EXPECT_EQ(csv.number(where(csv, "part", "truth")[0], csv.column("x2")), 3);
}

TEST(Figure3, IsTheTsneOfTheFeatures) {
  const TsneExample e = testing::made_up_tsne();
  std::vector<float> features;
  for (const FeatureSet* set : {&e.normal, &e.abnormal, &e.enhanced_normal, &e.enhanced_abnormal})
    features.insert(features.end(), set->features.begin(), set->features.end());
  const TsneResult expected = tsne(features, 160, e.dim, e.options);
  const Figure figure = figure_tsne(e);
  const data::CsvTable csv = table(figure);
  const auto points = where(csv, "part", "point");
  ASSERT_EQ(points.size(), 160u);
  for (size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(csv.number(points[i], csv.column("x")), expected.points[2 * i]);
    EXPECT_EQ(csv.number(points[i], csv.column("y")), expected.points[2 * i + 1]);
  }
  EXPECT_EQ(csv.at(points[159], csv.column("group")), "abnormal, enhanced");
  EXPECT_EQ(csv.number(where(csv, "part", "kl")[0], csv.column("value")), expected.kl);
  EXPECT_EQ(count(figure.svg, "class=\"dot\""), 160u);
  char kl[40];
  std::snprintf(kl, sizeof kl, "KL divergence %.3f", expected.kl);
  EXPECT_NE(figure.svg.find(kl), std::string::npos);
  for (const char* colour : {"#d64545", "#3a9a50", "#8e4ec6", "#2f7fe0"})
    EXPECT_EQ(count(figure.svg, colour), 41u) << "forty dots and one in the legend: " << colour;
  TsneExample bad = e;
  bad.normal.images.pop_back();
  EXPECT_THROW(figure_tsne(bad), Error);
}

TEST(Figure4, DrawsEveryRowInThePapersOrderWithItsInterval) {
  const Report report = testing::made_up_report(0);
  const Figure figure = figure_froc(report.rows);
  EXPECT_EQ(count(figure.svg, "<circle"), 2 * 6 * 4u) << "two detectors, six methods, at 1, 2, 3, 4";
  EXPECT_LT(figure.svg.find("Faster R-CNN</text>"), figure.svg.find("RetinaNet</text>"));
  const data::CsvTable csv = table(figure);
  EXPECT_EQ(csv.at(0, csv.column("detector")), "Faster R-CNN");
  EXPECT_EQ(csv.at(0, csv.column("enhancement")), "Plain");
  // The band's figures at two false positives are the row's own.
  const ReportRow* row = nullptr;
  for (const ReportRow& r : report.rows)
    if (r.detector == "retinanet" && r.enhancement == "medga") row = &r;
  ASSERT_NE(row, nullptr);
  size_t found = 0;
  for (const size_t i : where(csv, "part", "interval")) {
    if (csv.at(i, 0) != "RetinaNet" || csv.at(i, 1) != "MedGA" || csv.number(i, 3) != 2) continue;
    ++found;
    EXPECT_EQ(csv.number(i, csv.column("sensitivity")), row->sens[1].value);
    EXPECT_EQ(csv.number(i, csv.column("low")), row->sens[1].low);
    EXPECT_EQ(csv.number(i, csv.column("high")), row->sens[1].high);
  }
  EXPECT_EQ(found, 1u);
}

TEST(WriteFigures, WholeFilesOrNone) {
  const auto dir = std::filesystem::temp_directory_path() / ("cawe_figures_" + std::to_string(::getpid()));
  const Figure one{"figure1", "t", "c", "<svg/>", "a,b\n"};
  write_figures(dir.string(), {one});
  EXPECT_EQ(read_file((dir / "figure1.svg").string(), 100), "<svg/>");
  EXPECT_EQ(read_file((dir / "figure1.csv").string(), 100), "a,b\n");
  Figure outside = one;
  outside.name = "../figure2";
  Figure two = one;
  two.name = "figure2";
  EXPECT_THROW(write_figures(dir.string(), {two, outside}), Error);
  EXPECT_THROW(write_figures(dir.string(), {two, two}), Error);
  EXPECT_FALSE(std::filesystem::exists(dir / "figure2.svg"))
      << "names are checked before anything is written";
  EXPECT_THROW(write_figures((dir / "figure1.svg").string(), {two}), Error) << "not a folder";
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace cawe::report
