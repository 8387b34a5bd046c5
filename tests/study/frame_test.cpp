// SPDX-License-Identifier: Apache-2.0
// Boxes of a film in what networks see of it: by hand, on the film's own pixels, and beside the figures of its map.
#include "study/frame.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "eval/localisation.h"
#include "study/figures.h"
#include "tests/data/text_file.h"
#include "tests/study/small_result.h"

namespace cawe::study {
namespace {

using cawe::testing::TempDir;

void expect_box(const BoxD& box, const BoxD& expected) {
  EXPECT_NEAR(box.x1, expected.x1, 1e-5);
  EXPECT_NEAR(box.y1, expected.y1, 1e-5);
  EXPECT_NEAR(box.x2, expected.x2, 1e-5);
  EXPECT_NEAR(box.y2, expected.y2, 1e-5);
}

Frame frame_of(int width, int height, int side, data::Fit fit) {
  return {data::fit_geometry(width, height, side, side, fit), double(side), double(side)};
}

TEST(Frame, ByHand) {
  const BoxD box{4, 6, 12, 10};
  expect_box(frame_of(40, 20, 20, data::Fit::stretch).placed(box), {2, 6, 6, 10});
  expect_box(frame_of(40, 20, 20, data::Fit::pad).placed(box), {2, 3, 6, 5});
  const Frame cropped = frame_of(40, 20, 20, data::Fit::crop);  // 10 pixels are cut off at the left
  expect_box(cropped.placed(box), {0, 6, 2, 10});
  EXPECT_EQ(cropped.placed({1, 2, 5, 8}).area(), 0) << "beyond the left edge";
  EXPECT_EQ(cropped.placed({31, 2, 39, 8}).area(), 0);
}

TEST(Frame, LesionsKeepTheirPlacesAndWhatIsNotSeenIsLeftOut) {
  const Frame cropped = frame_of(40, 20, 20, data::Fit::crop);
  eval::TruthImage film;
  film.boxes = {{{1, 2, 5, 8}, 0, false, 24}, {{12, 2, 16, 8}, 0, false, 24}, {{12, 2, 16, 8}, 0, true, 24}};
  const std::vector<BoxD> all = lesions_in(cropped, film);
  ASSERT_EQ(all.size(), 2u) << "an ignored region is no lesion";
  EXPECT_EQ(all[0].area(), 0);
  const std::vector<BoxD> some = seen(all);
  ASSERT_EQ(some.size(), 1u);
  expect_box(some[0], {2, 2, 6, 8});
  const std::vector<report::ReportBox> found =
      seen(cropped, {{{1, 2, 5, 8}, .9, true}, {{8, 2, 16, 8}, .5, false, true}});
  ASSERT_EQ(found.size(), 1u);
  expect_box(found[0].box, {0, 2, 6, 8});
  EXPECT_TRUE(found[0].score == .5 && !found[0].hit && found[0].uncounted) << "as it was judged";
}

/// A white lesion on a black film: in the network's picture it is where its box is.
TEST(Frame, IsThatOfTheFilmsPicture) {
  const TempDir dir;
  data::FloatImage film(192, 96, 1);
  for (int y = 24; y < 60; ++y)
    for (int x = 72; x < 108; ++x) film.at(x, y) = 1;
  for (const data::Fit fit : {data::Fit::stretch, data::Fit::pad, data::Fit::crop}) {
    StudyResult study = testing::result_in(dir.path(), fit);
    testing::add_film(&study, "film", film, {{72, 24, 108, 60}});
    const FittedFilm fitted = study_film(study, 0);
    ASSERT_EQ(fitted.image.width, testing::kSide);
    const BoxD box = lesions_in(fitted.frame, study.truth[0])[0];
    double inside = 0, all = 0;
    for (int y = 0; y < testing::kSide; ++y)
      for (int x = 0; x < testing::kSide; ++x) {
        all += double(fitted.image.at(x, y));
        if (x + .5 > box.x1 && x + .5 < box.x2 && y + .5 > box.y1 && y + .5 < box.y2)
          inside += double(fitted.image.at(x, y));
      }
    EXPECT_GT(inside, .9 * box.area()) << int(fit);
    EXPECT_GT(inside, .8 * all) << int(fit);
  }
}

/// Under image.fit = "stretch" a map's figures are those that it has in the film's pixels.
TEST(Frame, StretchedFilmsKeepTheFiguresOfTheirMaps) {
  Random random(3, "frame");
  const auto whole = [&](int low, int high) {
    return double(low + int(random.next_below(uint64_t(high - low))));
  };
  for (int k = 0; k < 50; ++k) {
    eval::MapSample film;
    film.rows = film.columns = 64;
    film.width = 300;
    film.height = 200;
    for (int i = 0; i < 64 * 64; ++i) film.map.push_back(float(random.next_uniform()));
    for (int i = 0; i < 3; ++i) {
      const double x = whole(0, 200), y = whole(0, 120);
      film.boxes.push_back({x, y, x + whole(10, 100), y + whole(10, 80)});
    }
    eval::MapSample seen_film = film;
    const Frame frame = frame_of(300, 200, 64, data::Fit::stretch);
    seen_film.width = frame.width;
    seen_film.height = frame.height;
    std::transform(film.boxes.begin(), film.boxes.end(), seen_film.boxes.begin(),
                   [&](const BoxD& b) { return frame.placed(b); });
    const eval::MapFigures before = eval::map_figures(film), now = eval::map_figures(seen_film);
    EXPECT_EQ(before.pointing, now.pointing);
    EXPECT_NEAR(before.energy, now.energy, 1e-6);
    EXPECT_NEAR(eval::box_area_share(film), eval::box_area_share(seen_film), 1e-6);
    EXPECT_NEAR(eval::mean_inside(film, film.boxes[0]), eval::mean_inside(seen_film, seen_film.boxes[0]),
                1e-5);
  }
}

}  // namespace
}  // namespace cawe::study
