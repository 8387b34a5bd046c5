// SPDX-License-Identifier: Apache-2.0
#include "eval/films.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "data/formats/table/csv.h"
#include "data/formats/table/persons.h"
#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tensor/io/strict_json.h"

namespace cawe::eval {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

/// Size and boxes; `number(field)` reads a field, nothing where it is not there.
template <class Number>
void read_numbers(LookedAt* film, const Number& number) {
  const auto whole = [&](const char* field, int64_t absent) {
    const std::optional<double> value = number(field);
    int64_t found = absent;
    CAWE_CHECK(!value || (whole_number(*value, &found) && found >= 0 && found <= 1000000000), Code::data,
               film->where, ": ", field, " is ", value.value_or(0), " (expected a whole number from 0)");
    return found;
  };
  film->width = double(whole("width", 0));
  film->height = double(whole("height", 0));
  film->boxes = whole("boxes", -1);
}

std::vector<LookedAt> read_csv(const std::string& path) {
  const data::CsvTable table = data::CsvTable::read(path);
  const size_t image = table.column(table.has_column("image") ? "image" : "patientId");
  for (const char* column : {"x", "y"})
    CAWE_CHECK(
        !table.has_column(column), Code::data, path, ": has a column ", column,
        " as a table of boxes has (expected a list of films: one row for each film that was looked at, with "
        "image and perhaps the film's patient, width, height, boxes, leak)");
  std::vector<LookedAt> films;
  for (size_t r = 0; r < table.rows(); ++r) {
    LookedAt film;
    film.where = table.where(r);
    film.image = table.at(r, image);
    if (table.has_column("patient")) film.patient = table.word(r, table.column("patient"));
    if (data::names_nobody(film.patient)) film.patient.clear();
    read_numbers(&film, [&](const char* field) -> std::optional<double> {
      if (!table.has_column(field) || table.at(r, table.column(field)).empty()) return std::nullopt;
      return table.number(r, table.column(field));
    });
    if (table.has_column("leak")) {
      const std::string& cell = table.at(r, table.column("leak"));
      float answer = 0;
      CAWE_CHECK(data::parse_answer(cell, &answer), Code::data, film.where, ": leak is '", cell,
                 "' (expected 1 where a model was trained on the film or its person, else 0 or nothing)");
      film.leak = answer == 1;
    }
    films.push_back(film);
  }
  return films;
}

std::vector<LookedAt> read_coco(const std::string& path) {
  const json document = read_json(path);
  const json& images = json_array(document, "images", path);
  std::vector<LookedAt> films;
  for (size_t i = 0; i < images.size(); ++i) {
    LookedAt film;
    film.where = path + ": images[" + std::to_string(i) + "]";
    const json& one = images[i];
    film.image = json_string(one, one.contains("file_name") ? "file_name" : "id", film.where);
    if (one.contains("patient") && !one["patient"].is_null())
      film.patient = json_string(one, "patient", film.where);
    read_numbers(&film, [&](const char* field) -> std::optional<double> {
      if (!one.contains(field)) return std::nullopt;
      return json_number(one, field, film.where);
    });
    if (one.contains("leak")) {
      CAWE_CHECK(one["leak"].is_boolean(), Code::data, film.where, ": leak is ", one["leak"].dump(),
                 " (expected true where a model was trained on the film or its person, else false)");
      film.leak = one["leak"].get<bool>();
    }
    films.push_back(film);
  }
  return films;
}

}  // namespace

std::string films_beside(const std::string& detections) {
  const fs::path path(detections);
  return (path.parent_path() / (path.stem().string() + ".films" + path.extension().string())).string();
}

std::vector<LookedAt> read_films(const std::string& path) {
  const std::string ending = fs::path(path).extension().string();
  CAWE_CHECK(ending == ".csv" || ending == ".json", Code::usage, path,
             ": unknown kind of list of films (expected .csv with a column image, or COCO .json)");
  std::error_code error;
  CAWE_CHECK(fs::exists(path, error), Code::data, path,
             ": no such file (expected the list of films looked at)");
  std::vector<LookedAt> films = ending == ".csv" ? read_csv(path) : read_coco(path);
  CAWE_CHECK(!films.empty(), Code::data, path, ": lists no film (expected at least one)");
  std::unordered_set<std::string> seen;
  for (const LookedAt& film : films) {
    CAWE_CHECK(!film.image.empty(), Code::data, film.where, ": image is empty (expected a film's id)");
    CAWE_CHECK(seen.insert(film.image).second, Code::data, film.where, ": film '", film.image,
               "' comes twice (expected once)");
  }
  return films;
}

}  // namespace cawe::eval
