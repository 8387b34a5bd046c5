// SPDX-License-Identifier: Apache-2.0
// What a data set's films are dealt by, and what that is called.
#include "data/units.h"

#include <gtest/gtest.h>

#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

TEST(Units, PersonsOnlyWhereAnIdIsNotTheFilmsOwnName) {
  EXPECT_EQ(film_unit({"a_1", "a_2", "b"}, {"a", "a", "b"}), FilmUnit::patient);
  EXPECT_EQ(film_unit({"a", "b"}, {"a", "b"}), FilmUnit::image);
  EXPECT_EQ(film_unit({"set/a", "b.png"}, {"a", "set:b.jpg"}), FilmUnit::image) << "folders, ending, prefix";
  EXPECT_EQ(film_unit({"a", "b", "c"}, {"", "unknown", "NA"}), FilmUnit::patient)
      << "a word that is not known to name nobody is a person";
  EXPECT_EQ(film_unit({"a", "b"}, {"", "NA"}), FilmUnit::image);
  EXPECT_EQ(film_unit(std::vector<std::string>{}, {}), FilmUnit::image);
}

TEST(Units, OneGroupMakesGroups) {
  EXPECT_EQ(film_unit({"a", "b", "c"}, {"group:a", "group:a", "c"}), FilmUnit::group);
}

TEST(Units, ADataSetThatNamesNoPersonsHasImages) {
  Dataset data;
  for (const char* id : {"a", "b"}) {
    Sample sample;
    sample.image_id = id;
    sample.patient_id = "p";
    data.samples.push_back(sample);
  }
  EXPECT_EQ(film_unit(data), FilmUnit::patient);
  data.patients_known = false;
  EXPECT_EQ(film_unit(data), FilmUnit::image);
  data.samples[0].patient_id = "group:a";
  EXPECT_EQ(film_unit(data), FilmUnit::group);
}

TEST(Units, Words) {
  EXPECT_EQ(counted_units(1, FilmUnit::patient), "1 patient");
  EXPECT_EQ(counted_units(3, FilmUnit::image), "3 images");
  EXPECT_EQ(counted_units(1, FilmUnit::group), "1 group of films");
  EXPECT_EQ(counted_units(2, FilmUnit::group), "2 groups of films");
  EXPECT_STREQ(unit_key(FilmUnit::group), "group");
}

}  // namespace
}  // namespace cawe::data
