// SPDX-License-Identifier: Apache-2.0
// What a data set's films are dealt and drawn by, and what that is called: persons where they are known, else images, or
// groups of films.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/sample.h"

namespace cawe::data {

/// What patient ids stand for.
enum class FilmUnit {
  patient,  ///< persons, as the source names them
  image,    ///< every film by itself: whose it is, is not known
  group  ///< films that a table of groups puts together (data/groups.h), beside persons where they are known
};

/// What the id of a group of films begins with, in place of a person's.
constexpr const char* kGroupPrefix = "group:";

/// group where an id is a group's; image where every film's id is nobody's or its own name (with or without folders and
/// ending); else patient. Lists of the same length.
FilmUnit film_unit(const std::vector<std::string>& images, const std::vector<std::string>& patients);
/// The same of a data set; image where it says that persons are not known.
FilmUnit film_unit(const Dataset& dataset);

/// The word in files: "patient", "image", "group".
const char* unit_key(FilmUnit unit);
/// The words in sentences, the only place that chooses them: "patient" and "patients", "image" and "images", "group of
/// films" and "groups of films".
std::string unit_word(FilmUnit unit);
std::string unit_words(FilmUnit unit);
/// What an interval of trained detectors as they are is drawn over: "over patients, for these weights: another seed's
/// differ by more".
std::string over_units(FilmUnit unit);
/// "1 image", "12 groups of films".
std::string counted_units(int64_t number, FilmUnit unit);

}  // namespace cawe::data
