// SPDX-License-Identifier: Apache-2.0
// What a study says of its maps: in the frame that they have, and nothing where there is nothing to say.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "data/formats/table/csv.h"
#include "tensor/io/files.h"
#include "tensor/io/strict_json.h"
#include "tests/data/text_file.h"
#include "tests/study/small_result.h"

namespace cawe::study {
namespace {

using cawe::testing::TempDir;
using testing::kSide;

/// The film with a margin of noise above and below, which image.fit = "crop" cuts off.
data::FloatImage with_margins(const data::FloatImage& film, int margin) {
  data::FloatImage tall = testing::noise(film.width, film.height + 2 * margin, "margins");
  std::copy(film.pixels.begin(), film.pixels.end(), tall.row(margin));
  return tall;
}

TEST(StudyMaps, OfCroppedFilmsMeetTheLesionsWhereTheySeeThem) {
  const TempDir square_dir, tall_dir;
  StudyResult square = testing::result_in(square_dir.path()),
              tall = testing::result_in(tall_dir.path(), data::Fit::crop);
  for (int k = 0; k < 3; ++k) {
    const std::string name = "film" + std::to_string(k);
    const data::FloatImage film = testing::noise(kSide, kSide, name);
    const float x = float(8 + 6 * k);
    testing::add_film(&square, name, film, {{x, 8, x + 20, 24}});
    testing::add_film(&tall, name, with_margins(film, 16), {{2, 2, 12, 10}, {x, 24, x + 20, 40}});
  }
  testing::add_film(&tall, "cut off", with_margins(testing::noise(kSide, kSide, "cut off"), 16),
                    {{2, 2, 12, 10}});
  const StudyMaps expected = study_maps(square), maps = study_maps(tall);
  EXPECT_EQ(maps.films, expected.films) << "nothing of the last one's lesion is seen";
  EXPECT_EQ(maps.classes.size(), 4u) << "but it has a map";
  ASSERT_EQ(maps.samples.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(maps.samples[i].map, expected.samples[i].map);
    const eval::MapFigures a = eval::map_figures(maps.samples[i]), b = eval::map_figures(expected.samples[i]);
    EXPECT_EQ(a.pointing, b.pointing);
    EXPECT_EQ(a.energy, b.energy);
  }
  EXPECT_EQ(study_localisation(tall, maps)[0].pointing_centre.value,
            study_localisation(square, expected)[0].pointing_centre.value);
  study_lesions_by_map(square, expected);
  study_lesions_by_map(tall, maps);
  const auto a = data::CsvTable::read(tall.out + "/lesions_by_map.csv"),
             b = data::CsvTable::read(square.out + "/lesions_by_map.csv");
  ASSERT_EQ(a.rows(), 6u) << "two rows, three thirds";
  for (size_t r = 0; r < 6; ++r)
    for (const char* column : {"third", "map_up_to", "lesions", "mean_sens"})
      EXPECT_EQ(a.at(r, a.column(column)), b.at(r, b.column(column))) << column << " of line " << r;
}

/// Maps by hand: one row of two cells over a frame of 20 x 20, which the films' own pixels are not.
StudyMaps maps_by_hand(const std::vector<float>& left) {
  StudyMaps maps;
  for (size_t i = 0; i < left.size(); ++i) {
    eval::MapSample m;
    m.patient = "p" + std::to_string(i);
    m.rows = 1;
    m.columns = 2;
    m.map = {left[i], 1};
    m.width = m.height = 20;
    m.boxes = {{1, 1, 9, 9}};
    maps.films.push_back(i);
    maps.samples.push_back(m);
  }
  return maps;
}

TEST(LesionsByMap, ThirdsAreOfTheMeansInTheMapsOwnFrame) {
  const TempDir dir;
  StudyResult study = testing::result_in(dir.path());
  for (int k = 0; k < 3; ++k)
    testing::add_film(&study, "film" + std::to_string(k), testing::noise(40, 40, "film"), {{30, 30, 38, 38}});
  study_lesions_by_map(study, maps_by_hand({.5f, .125f, .75f}));
  const auto csv = data::CsvTable::read(study.out + "/lesions_by_map.csv");
  for (size_t third = 0; third < 3; ++third) {
    EXPECT_EQ(csv.number(third, csv.column("map_up_to")), (std::vector<double>{.125, .5, .75})[third]);
    EXPECT_EQ(csv.number(third, csv.column("lesions")), 1);
  }
  const report::ReportTable& table = study.tables.back();
  EXPECT_EQ(table.header[1], "dark third, map up to 0.12");
  EXPECT_EQ(table.rows[0][0], "RetinaNet, plain") << "as in other tables";
  EXPECT_NE(table.caption.find("a lift darkens nothing"), std::string::npos);
  EXPECT_EQ(table.caption.find("third channel"), std::string::npos) << "it costs the dark third most";
}

TEST(LesionsByMap, ThirdsWithoutALesionHaveNoNumbers) {
  const TempDir dir;
  StudyResult study = testing::result_in(dir.path());
  testing::add_film(&study, "film", testing::noise(40, 40, "film"), {{30, 30, 38, 38}});
  study_lesions_by_map(study, maps_by_hand({.375f}));
  const std::string csv = read_file(study.out + "/lesions_by_map.csv", 10000);
  EXPECT_EQ(csv.find(",nan"), std::string::npos) << csv;
  EXPECT_NE(csv.find("retinanet,none,middle,,0,,,,"), std::string::npos) << csv;
  const report::ReportTable& table = study.tables.back();
  EXPECT_EQ(table.header,
            (std::vector<std::string>{"row", "dark third, map up to 0.38", "middle", "bright"}));
  for (const std::string& cell : table.rows[0]) EXPECT_EQ(cell.find("nan"), std::string::npos) << cell;
  EXPECT_EQ(table.rows[0][2], "no lesion");
}

/// Maps of other persons alone say what a map's place is worth.
TEST(MapVerdict, NeedsAnotherPersonsMap) {
  const StudyMaps two = maps_by_hand({1, 1});
  std::vector<eval::MapSample> one = two.samples;
  one[1].patient = one[0].patient;
  const auto judge = [](const std::vector<eval::MapSample>& samples) {
    return eval::localisation(samples, 20);
  };
  EXPECT_TRUE(judged(judge(two.samples)[0]));
  EXPECT_FALSE(judged(judge(one)[0]));
  EXPECT_FALSE(judged(judge({one[0]})[0]));
  for (const bool several : {true, false}) {
    const TempDir dir;
    StudyResult study = testing::result_in(dir.path());
    testing::add_film(&study, "a", testing::noise(40, 40, "film"), {{30, 30, 38, 38}});
    testing::add_film(&study, "b", testing::noise(40, 40, "film"), {{30, 30, 38, 38}});
    study.localisation = judge(several ? two.samples : one);
    ASSERT_EQ(study.localisation[0].verdict, eval::MapVerdict::uninformative);
    testing::evaluate(&study);
    EXPECT_EQ(study.compared[1].note, several ? "uninformative map" : "");
    write_study_tables(study);
    const Json map = Json::parse(read_file(study.out + "/results.json")).at("map");
    EXPECT_EQ(map.at("pointing_shuffled").is_null(), !several);
    EXPECT_EQ(map.at("verdict").is_null(), !several) << map.dump();
  }
}

TEST(Fallbacks, SpeakOfFilmsWithoutALesionOnlyWhereThereAreSome) {
  const TempDir dir;
  StudyResult study = testing::result_in(dir.path());
  testing::add_film(&study, "a", testing::noise(40, 40, "film"), {{30, 30, 38, 38}});
  study.map_classes = {{report::MapOf::fallback, {}}};
  EXPECT_EQ(fallback_finding(study),
            "No class is active on 100 % of the 1 film with a lesion: there the map is a fallback, of the "
            "likeliest class.");
  testing::add_film(&study, "b", testing::noise(40, 40, "film"), {});
  study.map_classes.push_back({report::MapOf::active, {}});
  EXPECT_EQ(fallback_finding(study),
            "No class is active on 100 % of the 1 film with a lesion and on 0 % of the 1 without: there the "
            "map is a fallback, of the likeliest class.");
}

TEST(RowNames, AreTheSameEverywhere) {
  EXPECT_EQ(row_name({"retinanet", "none", "none", RowKind::paper}), "plain");
  EXPECT_EQ(full_name({"faster_rcnn", "none", "none", RowKind::paper}), "Faster R-CNN, plain");
  EXPECT_EQ(full_name({"retinanet", "color+cawe", "color+cawe", RowKind::paper}), "RetinaNet, Color + CAWE");
  EXPECT_EQ(row_name({"retinanet", "aa", "none", RowKind::again}), "plain, other seeds");
  EXPECT_EQ(percent(.38), "38 %");
  EXPECT_EQ(percent(2, 3), "67 %");
  EXPECT_EQ(percent(0, 0), "n/a");
  EXPECT_EQ(percent(std::nan("")), "n/a");
}

}  // namespace
}  // namespace cawe::study
