// SPDX-License-Identifier: Apache-2.0
// The study's figures: CSV tables hold what is drawn, drawings hold every part, files are whole.
#include <gtest/gtest.h>
#include <unistd.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "data/formats/table/csv.h"
#include "report/base64.h"
#include "report/charts/svg.h"
#include "report/figures/flow.h"
#include "report/neighbours.h"
#include "report/page/parts.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tests/report/drawn.h"
#include "tests/report/made_up_report.h"

namespace cawe::report {
namespace {

using testing::count;
using testing::table;
using testing::where;

PipelineExample pipeline() {
  PipelineExample e;
  e.image = "film <1>";
  e.grey = {2, 1, 1, {100, 200}};
  e.map = {2, 1, 1, {0, 255}};
  e.fused = testing::fused(e.grey, e.map, .5);
  e.width = 200;
  e.height = 100;
  e.truth = {{50, 25, 150, 75}};
  e.found = {
      {{60, 30, 140, 70}, .75, true}, {{50, 30, 140, 70}, .5, false, true}, {{0, 0, 20, 20}, .25, false}};
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
  const Figure grey = figure_pipeline({e});
  EXPECT_EQ(count(grey.svg, "<image"), 4u);
  EXPECT_EQ(grey.svg.find("film <1>"), std::string::npos);
  EXPECT_EQ(grey.svg.find("colorizer"), std::string::npos);
  e.colour = testing::tinted(e.grey);
  const Figure colour = figure_pipeline({e});
  EXPECT_EQ(count(colour.svg, "<image"), 5u);
  EXPECT_NE(colour.svg.find("colorizer"), std::string::npos);
  // Boxes, and the key's: one true lesion, three kinds of found ones.
  EXPECT_EQ(count(colour.svg, "stroke=\"#4c8dff\""), 1u + 1u);
  EXPECT_EQ(count(colour.svg, "stroke=\"#ff9a4d\""), 3u + 3u);
  EXPECT_EQ(count(colour.svg, "stroke-dasharray=\"6 4\"/>"), 1u + 1u) << "one box is wrong";
  EXPECT_EQ(count(colour.svg, "stroke-dasharray=\"1.5 3\"/>"), 1u + 1u) << "one is a duplicate";
  // The last picture is 196 wide and 98 high, at (868, 150 + 49): a true box over its middle half.
  EXPECT_NE(colour.svg.find("x=\"917.0\" y=\"223.5\" width=\"98.0\" height=\"49.0\" fill=\"none\" "
                            "stroke=\"#4c8dff\""),
            std::string::npos);
  const data::CsvTable csv = table(colour);
  EXPECT_EQ(where(csv, "part", "e").size(), 1u);
  const auto boxes = where(csv, "part", "box");
  ASSERT_EQ(boxes.size(), 4u);
  EXPECT_EQ(csv.at(boxes[1], csv.column("name")), "right");
  EXPECT_EQ(csv.number(boxes[1], csv.column("score")), .75);
  EXPECT_EQ(csv.at(boxes[2], csv.column("name")), "not counted");
  EXPECT_EQ(csv.at(boxes[3], csv.column("name")), "wrong");
  EXPECT_EQ(csv.number(boxes[3], csv.column("x2")), 20);
  e.map = {};
  EXPECT_THROW(figure_pipeline({e}), Error);
  EXPECT_THROW(figure_pipeline({}), Error);
}

/// Caption, drawing and file say how the method gives the detector its map.
TEST(Figure1, SaysWhichFormOfTheMapTheDetectorGets) {
  const struct {
    const char *method, *caption, *arrow, *operation;
  } forms[] = {
      {"cawe", "gets I (α + (1 − α) L), here with α = 0.50. Blue", ">Eq. 7<",
       "(alpha + (1 - alpha) L) with alpha = 0.50 (Eq. 7)"},
      {"cawe-drawn", "gets I (α + (1 − α) L), here with α = 0.50, in training with an α drawn", ">Eq. 7<",
       "drawn for each film"},
      {"cawe-lift", "gets I + (1 − α) L I (1 − I), here with α = 0.50. Blue", ">lift<",
       "I + (1 - alpha) L I (1 - I) with alpha = 0.50"},
      {"cawe-channel", "gets the film in two channels and L in the third. Blue", ">(I, I, L)<", "(I, I, L)"},
      {"mine", "gets what mine makes of film and map. Blue", ">mine<", "mine"}};
  for (const auto& form : forms) {
    PipelineExample e = pipeline();
    e.alpha = .5;
    e.method = form.method;
    const Figure figure = figure_pipeline({e});
    EXPECT_NE(figure.caption.find(form.caption), std::string::npos) << figure.caption;
    EXPECT_NE(figure.caption.find("gives the map L of the film I; the detector gets"), std::string::npos)
        << "letters that stand in the formula";
    EXPECT_NE(figure.svg.find(form.arrow), std::string::npos) << form.method;
    EXPECT_NE(figure.csv.find(form.operation), std::string::npos) << figure.csv;
  }
}

TEST(Figure1, SaysOfEachFilmHowItWasChosen) {
  PipelineExample drawn = pipeline(), best = pipeline();
  drawn.chosen = "drawn at random from 7 films";
  best.chosen = "the best of them";
  best.image = "other";
  const Figure figure = figure_pipeline({drawn, best});
  EXPECT_NE(
      figure.caption.find("on film <1>, drawn at random from 7 films; below, on other, the best of them."),
      std::string::npos)
      << figure.caption;
  // Two lines above each film: its name, and below how it was chosen, which is long enough for one.
  EXPECT_NE(
      figure.svg.find("y=\"20.0\" text-anchor=\"start\">film &lt;1&gt;</text><text x=\"16.0\" y=\"38.0\" "
                      "text-anchor=\"start\" class=\"small\">drawn at random from 7 films</text>"),
      std::string::npos)
      << figure.svg;
  EXPECT_NE(figure.svg.find("y=\"338.0\" text-anchor=\"start\">other</text><text x=\"16.0\" y=\"356.0\" "),
            std::string::npos);
  EXPECT_NE(figure.svg.find("viewBox=\"0 0 1080 672\""), std::string::npos)
      << "and the drawing has room for them";
  EXPECT_NE(figure_pipeline({pipeline()}).svg.find("viewBox=\"0 0 1080 336\""), std::string::npos);
  const data::CsvTable csv = table(figure);
  const auto letters = where(csv, "operation", "input");
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(csv.at(letters[0], csv.column("part")), "a");
  EXPECT_EQ(csv.at(letters[1], csv.column("part")), "e") << "four panels above";
  EXPECT_EQ(csv.at(letters[1], csv.column("image")), "other");
  EXPECT_EQ(csv.at(where(csv, "part", "g")[0], csv.column("from")), "f+e") << "its own map and film";
  EXPECT_EQ(count(figure.svg, ">h</text>"), 1u);
}

TEST(MapClasses, InWords) {
  EXPECT_EQ(describe({MapOf::active, {{"nodule", .934}, {"mass", .61}}}),
            "active classes: nodule 0.93, mass 0.61");
  EXPECT_EQ(describe({MapOf::fallback, {{"consolidation", .38}}}),
            "no class is active (fallback: the likeliest, consolidation 0.38)");
  EXPECT_EQ(describe({MapOf::fallback, {{"a", .1}, {"b", .2}}}),
            "no class is active (fallback: all classes, a 0.10, b 0.20)");
  EXPECT_EQ(describe({MapOf::fallback, {}}), "no class is active (fallback: an empty map)");
  EXPECT_EQ(describe({MapOf::asked, {{"nodule", .12}}}), "classes asked for: nodule 0.12");
  EXPECT_EQ(describe({}), "");
}

TEST(Figures, WeightsHaveTwoSignificantDigits) {
  for (const auto& [value, text] : {std::pair<double, const char*>{0.5, "0.50"},
                                    {0.00123, "0.0012"},
                                    {0.0996, "0.10"},
                                    {12.4, "12"},
                                    {123.4, "123"},
                                    {-3.14, "-3.1"},
                                    {0, "0"},
                                    {1.23e-7, "1.2·10⁻⁷"},
                                    {4.56e12, "4.6·10¹²"},
                                    {9.96, "10"}})
    EXPECT_EQ(svg::two_digits(value), text);
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
  bad = e;
  bad.enhanced_normal.images[3] = "somebody else";
  EXPECT_THROW(figure_tsne(bad), Error) << "enhanced films of others";
  // How far the films have moved: of the features, in words and in the table.
  const size_t half = features.size() / 2;
  const NeighbourMix mix = neighbour_mix({features.begin(), features.begin() + half},
                                         {features.begin() + half, features.end()}, e.dim);
  const auto quantity = [&](const char* part) {
    return csv.number(where(csv, "part", part)[0], csv.column("value"));
  };
  EXPECT_EQ(quantity("same_share"), mix.same_share);
  EXPECT_EQ(quantity("same_by_chance"), 79.0 / 159);
  EXPECT_EQ(quantity("moved"), mix.moved);
  EXPECT_EQ(quantity("nearest"), mix.nearest);
  EXPECT_NE(figure.caption.find(
                "of the 10 films nearest to a film, " + fixed(100 * mix.same_share, 0) +
                " % are of its kind (plain or enhanced; 50 % where these are mixed), and a film lies " +
                fixed(mix.moved / mix.nearest, 2) + " times as far"),
            std::string::npos)
      << figure.caption;
  EXPECT_NE(figure.caption.find("enhancement Color + CAWE. (a)"), std::string::npos) << figure.caption;
  TsneExample some = e;
  some.chosen = "films of one fold";
  EXPECT_NE(figure_tsne(some).caption.find("Color + CAWE; films of one fold. (a)"), std::string::npos);
  TsneExample alone = e;
  alone.enhanced_normal = alone.enhanced_abnormal = {};
  EXPECT_EQ(figure_tsne(alone).caption.find("nearest to a film"), std::string::npos)
      << "nothing was enhanced";
}

TEST(Figure5, DrawsBinsWithCountsAndTheDiagonal) {
  // By hand: scores .125 (two of them, one right) and .875 (four, all right).
  eval::ScoredOutcomes items{{.125, .125, .875, .875, .875, .875}, {0, 1, 1, 1, 1, 1}, {0, 1, 2, 3, 4, 5}};
  const eval::Calibration c = eval::calibration(items, {{0, 1, 2, 3, 4, 5}, 6}, 200, 0);
  ReliabilityPanel boxes, films;
  boxes.title = "RetinaNet <plain>";
  boxes.items = "boxes";
  boxes.bins = c.width;
  films.title = "classifier, mass";
  films.items = "films";
  films.undefined = "no label is known";
  const Figure figure = figure_reliability({boxes, films}, "By the rule.");
  EXPECT_EQ(figure.name, "figure5");
  EXPECT_EQ(count(figure.svg, "<circle class=\"bin\""), 2u);
  EXPECT_EQ(count(figure.svg, "<path class=\"whisker\""), 2u);
  EXPECT_EQ(count(figure.svg, "class=\"diagonal\""), 1u) << "the other panel has nothing to show";
  // The square is 280 wide from (60, 52): x = 60 + 280 score, y = 52 + 280 (1 - share).
  EXPECT_NE(figure.svg.find("cx=\"95.00\" cy=\"192.00\""), std::string::npos);
  EXPECT_NE(figure.svg.find("cx=\"305.00\" cy=\"52.00\""), std::string::npos);
  EXPECT_NE(figure.svg.find("d=\"M60.0 332.0L340.0 52.0\""), std::string::npos) << "from (0, 0) to (1, 1)";
  // Bars: four items are 50 high, two are 25.
  EXPECT_NE(figure.svg.find("height=\"50.00\""), std::string::npos);
  EXPECT_NE(figure.svg.find("height=\"25.00\""), std::string::npos);
  for (const char* text : {">2</text>", ">4</text>", ">ECE 0.208 (",  // 2/6 .375 + 4/6 .125
                           ">not defined: no label is known</text>", ">RetinaNet &lt;plain&gt;</text>"})
    EXPECT_EQ(count(figure.svg, text), 1u) << text;
  for (const char* letter : {">a<", ">b<"})
    EXPECT_EQ(count(figure.svg, std::string("class=\"strong\"") + letter), 1u);
  EXPECT_NE(figure.caption.find("By the rule."), std::string::npos);
  const data::CsvTable csv = table(figure);
  ASSERT_EQ(csv.rows(), 2u);
  EXPECT_EQ(csv.at(0, csv.column("panel")), "a");
  EXPECT_EQ(csv.number(0, csv.column("items")), 2);
  EXPECT_EQ(csv.number(0, csv.column("right")), 1);
  EXPECT_EQ(csv.number(0, csv.column("share")), .5);
  EXPECT_EQ(csv.number(1, csv.column("mean_score")), .875);
  EXPECT_EQ(csv.number(1, csv.column("low")), 1);
  EXPECT_THROW(figure_reliability({}, ""), Error);
}

TEST(Figure5, AFourthPanelBeginsARow) {
  ReliabilityPanel none;
  none.undefined = "why";
  const Figure figure = figure_reliability({none, none, none, none}, "");
  EXPECT_NE(figure.svg.find("viewBox=\"0 0 1068 904\""), std::string::npos);
  EXPECT_NE(figure.svg.find("x=\"60.0\" y=\"472.0\" text-anchor=\"start\" class=\"strong\">d<"),
            std::string::npos);
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
  Figure with_other = two;
  with_other.other_name = "figure2-log";
  with_other.other_svg = "<svg></svg>";
  write_figures(dir.string(), {with_other});
  EXPECT_EQ(read_file((dir / "figure2-log.svg").string(), 100), "<svg></svg>");
  with_other.other_name = "figure2";
  EXPECT_THROW(write_figures(dir.string(), {with_other}), Error) << "each name once";
  std::filesystem::remove_all(dir);
}

TEST(FilmFlow, AddsUpAndNamesEveryStage) {
  FilmFlow flow;
  flow.found = 20;
  flow.rejected = {{"file", 2}, {"Target", 1}};
  flow.not_annotated = 4;
  flow.folds = {{"train", 10, 6, 9, 8}, {"test", 3, 1, 1, 2}};
  const Figure figure = figure_flow(flow);
  for (const char* text :
       {">20 films found<", ">3 rejected<", ">file: 2<", ">17 films read<", ">4 without box annotation<",
        ">13 films used<", ">6 with a lesion<", ">8 patients<", ">1 lesion<"})
    EXPECT_EQ(count(figure.svg, text), 1u) << text;
  flow.unit = data::FilmUnit::image;
  EXPECT_EQ(count(figure_flow(flow).svg, "patient"), 0u) << "none where nobody knows them";
  flow.unit = data::FilmUnit::group;
  EXPECT_EQ(count(figure_flow(flow).svg, ">8 groups of films<"), 1u);
  const data::CsvTable csv = table(figure);
  EXPECT_EQ(csv.number(where(csv, "name", "Target")[0], csv.column("films")), 1);
  EXPECT_EQ(csv.number(where(csv, "name", "train")[0], csv.column("lesions")), 9);
  flow.found = 21;
  EXPECT_THROW(figure_flow(flow), Error) << "a film that is nowhere";
}

}  // namespace
}  // namespace cawe::report
