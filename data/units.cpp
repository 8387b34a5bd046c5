// SPDX-License-Identifier: Apache-2.0
#include "data/units.h"

#include "data/formats/table/persons.h"
#include "data/image_name.h"
#include "tensor/error.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

/// "a/b/img01.jpg" and "set:img01" (data.patient_prefix) -> "img01"
std::string bare(const std::string& name) {
  const size_t end = name.find_last_of("/\\:");
  return without_image_ending(end == std::string::npos ? name : name.substr(end + 1));
}

}  // namespace

FilmUnit film_unit(const std::vector<std::string>& images, const std::vector<std::string>& patients) {
  CAWE_CHECK(images.size() == patients.size(), Code::internal, "film_unit: ", images.size(), " images and ",
             patients.size(), " patients");
  bool persons = false;
  for (size_t i = 0; i < images.size(); ++i) {
    const std::string& patient = patients[i];
    if (begins_with(patient, kGroupPrefix)) return FilmUnit::group;
    persons |= !names_nobody(patient) && patient != images[i] && bare(patient) != bare(images[i]);
  }
  return persons ? FilmUnit::patient : FilmUnit::image;
}

FilmUnit film_unit(const Dataset& dataset) {
  std::vector<std::string> images, patients;
  for (const Sample& s : dataset.samples) {
    images.push_back(s.image_id);
    patients.push_back(s.patient_id);
  }
  const FilmUnit unit = film_unit(images, patients);
  return unit == FilmUnit::patient && !dataset.patients_known ? FilmUnit::image : unit;
}

const char* unit_key(FilmUnit unit) {
  if (unit == FilmUnit::image) return "image";
  return unit == FilmUnit::group ? "group" : "patient";
}

std::string unit_word(FilmUnit unit) { return unit == FilmUnit::group ? "group of films" : unit_key(unit); }

std::string unit_words(FilmUnit unit) {
  return unit == FilmUnit::group ? "groups of films" : unit_word(unit) + "s";
}

std::string over_units(FilmUnit unit) {
  return "over " + unit_words(unit) + ", for these weights: another seed's differ by more";
}

std::string counted_units(int64_t number, FilmUnit unit) {
  return counted(number, unit_word(unit), unit_words(unit));
}

}  // namespace cawe::data
