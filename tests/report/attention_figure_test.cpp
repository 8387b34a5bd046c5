// SPDX-License-Identifier: Apache-2.0
// Figure 2: every part that the caption names is drawn, and names have room.
#include "report/figures/attention.h"

#include <gtest/gtest.h>

#include "data/formats/table/csv.h"
#include "tests/report/drawn.h"

namespace cawe::report {
namespace {

using testing::count;
using testing::table;
using testing::where;

AttentionExample attention() {
  AttentionExample e;
  e.image = "film";
  e.film = {4, 4, 1, std::vector<uint8_t>(16, 90)};
  e.map = {4, 4, 1, std::vector<uint8_t>(16, 128)};
  e.width = e.height = 4;
  e.truth = {{1, 1, 3, 3}};
  e.classes = {{"opacity", .9, true, {.5, -.25}}, {"mass", .2, false, {}}};
  e.channels = {{7, .5, {1, 1, 1, {255}}}, {9, .00123, {1, 1, 1, {255}}}};
  return e;
}

TEST(Figure2, ShowsClassesGradientsMapsAndTheBlueBox) {
  const Figure figure = figure_attention(attention());
  EXPECT_EQ(count(figure.svg, "<image"), 5u) << "film, map, overlay, two feature maps";
  EXPECT_EQ(count(figure.svg, "stroke=\"#4c8dff\""), 2u) << "on the film and on the overlay";
  EXPECT_NE(figure.svg.find("v-18.00"), std::string::npos) << "the largest gradient fills the strip";
  EXPECT_NE(figure.svg.find("v9.00"), std::string::npos) << "half of it, downward";
  EXPECT_NE(figure.svg.find(">weight 0.50<"), std::string::npos) << "two significant digits";
  EXPECT_NE(figure.svg.find(">weight 0.0012<"), std::string::npos);
  for (const char* letter : {">a<", ">b<", ">c<", ">d<", ">e<", ">f<"})
    EXPECT_EQ(count(figure.svg, std::string("class=\"strong\"") + letter), 1u) << letter;
  const data::CsvTable csv = table(figure);
  ASSERT_EQ(where(csv, "part", "gradient").size(), 2u);
  EXPECT_EQ(csv.number(where(csv, "part", "gradient")[1], csv.column("value")), -.25);
  EXPECT_EQ(csv.number(where(csv, "part", "sigma")[0], csv.column("value")), .9);
  EXPECT_EQ(csv.at(where(csv, "part", "sigma")[0], csv.column("index")), "active");
  EXPECT_EQ(csv.at(where(csv, "part", "sigma")[1], csv.column("index")), "");
  EXPECT_EQ(csv.number(where(csv, "part", "channel")[0], csv.column("index")), 7);
  EXPECT_EQ(csv.number(where(csv, "part", "truth")[0], csv.column("x2")), 3);
}

TEST(Figure2, SaysWhereNoClassIsActive) {
  AttentionExample e = attention();
  const std::string fallback = "no class is active (fallback: the likeliest, opacity 0.38)";
  e.classes[0].sigma = .38;
  EXPECT_NE(figure_attention(e).caption.find("active classes: opacity 0.38"), std::string::npos);
  e.kind = MapOf::fallback;
  const Figure figure = figure_attention(e);
  EXPECT_NE(figure.caption.find(fallback), std::string::npos) << figure.caption;
  EXPECT_NE(figure.svg.find(">film: " + fallback + "</text>"), std::string::npos);
  EXPECT_EQ(figure.caption.find("the active classes"), std::string::npos);
  const data::CsvTable csv = table(figure);
  EXPECT_EQ(csv.at(where(csv, "part", "sigma")[0], csv.column("index")), "fallback");
}

/// Names are not drawn over the bars and lines beside them; what was cut is there for a pointer, and in the table.
TEST(Figure2, CutsLongNamesOfClasses) {
  AttentionExample e = attention();
  const std::string name = "Enlarged Cardiomediastinum";
  e.classes[0].name = name;
  e.classes[1].name = "épanchement pleural gauche";
  const Figure figure = figure_attention(e);
  EXPECT_EQ(count(figure.svg, "<g><title>" + name + "</title>"), 2u)
      << "beside the bar, beside the gradients";
  EXPECT_EQ(count(figure.svg, ">Enlarged Cardiome…</text>"), 1u);
  EXPECT_EQ(count(figure.svg, ">Enlarged Cardiomediasti…</text>"), 1u);
  EXPECT_EQ(count(figure.svg, ">épanchement pleur…</text>"), 1u) << "by characters, not bytes";
  EXPECT_EQ(figure.svg.find(">" + name + "</text>"), std::string::npos);
  EXPECT_EQ(where(table(figure), "class", name).size(), 3u) << "sigma and two gradients";
  e.classes[0].name = "Pleural_Thickening";
  EXPECT_EQ(count(figure_attention(e).svg, ">Pleural_Thickening</text>"), 2u) << "just fits";
}

TEST(Figure2, BreaksAHeadOfManyClasses) {
  AttentionExample e = attention();
  const Figure one = figure_attention(e);
  EXPECT_NE(one.svg.find("viewBox=\"0 0 1080 608\""), std::string::npos) << one.svg.substr(0, 300);
  e.classes.clear();
  for (int k = 0; k < 14; ++k) e.classes.push_back({"class of number " + std::to_string(k), .9, true, {}});
  e.classes[0].gradients = {.5, -.25};
  const Figure figure = figure_attention(e);
  EXPECT_NE(figure.svg.find("y=\"38.0\" text-anchor=\"start\">class of number "), std::string::npos);
  EXPECT_NE(figure.svg.find("y=\"56.0\" text-anchor=\"start\">class of number "), std::string::npos);
  EXPECT_EQ(count(figure.svg, "<g transform=\"translate(0,36.0)\">"), 1u) << "all else is below three lines";
  EXPECT_NE(figure.svg.find("viewBox=\"0 0 1080 644\""), std::string::npos) << figure.svg.substr(0, 300);
}

/// cam.if_none = "zero_map": there are no gradients to be drawn.
TEST(Figure2, SpeaksOfGradientsWhereTheyAreDrawn) {
  AttentionExample e = attention();
  EXPECT_NE(figure_attention(e).caption.find(" (e) The gradients of σ of the active classes"),
            std::string::npos);
  EXPECT_NE(figure_attention(e).caption.find("(f) The feature maps' sum with these weights"),
            std::string::npos);
  e.kind = MapOf::fallback;
  e.classes[0].in_map = false;
  e.classes[0].gradients.clear();
  const Figure figure = figure_attention(e);
  EXPECT_EQ(figure.caption.find("gradients"), std::string::npos) << figure.caption;
  EXPECT_NE(figure.caption.find("fallback: an empty map"), std::string::npos);
  EXPECT_NE(figure.caption.find(" (e) The feature maps' sum with their weights is the map"),
            std::string::npos);
  EXPECT_EQ(count(figure.svg, "class=\"strong\">e<"), 1u);
  EXPECT_EQ(count(figure.svg, "class=\"strong\">f<"), 0u);
  e.channels.clear();
  EXPECT_EQ(figure_attention(e).caption.find("(e)"), std::string::npos);
}

}  // namespace
}  // namespace cawe::report
