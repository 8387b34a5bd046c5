// SPDX-License-Identifier: Apache-2.0
#include "apps/film_tables.h"

#include <filesystem>
#include <optional>
#include <set>
#include <variant>

#include "apps/input_files.h"
#include "data/formats/annotations/label_csv.h"
#include "data/formats/table/csv.h"
#include "data/image_files.h"
#include "data/units.h"
#include "tensor/error.h"
#include "tensor/text.h"
#include "train/datasets.h"

namespace cawe::apps {
namespace fs = std::filesystem;
namespace {

constexpr const char* kTable = "metadata.csv";

/// The table that a path means; "" where it means films.
std::string table_of(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error))
    return fs::is_regular_file(fs::path(path) / kTable, error) ? (fs::path(path) / kTable).string() : "";
  return lower(fs::path(path).extension().string()) == ".csv" ? path : "";
}

/// The folder that a path's films are of: itself, or that which holds the file. "." where a bare name says none.
std::string folder_of(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return path;
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

/// "a/b/" and "a/b" -> "b"
std::string folder_name(const std::string& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

/// Films are told apart by the names of their folders: two of one name would be one source, and equal numbers in their
/// tables one person.
void check_sources_differ(const std::vector<std::string>& paths) {
  std::map<std::string, std::string> known;
  for (const std::string& path : paths) {
    const std::string folder = folder_of(path);
    const auto [at, fresh] = known.emplace(folder_name(folder), folder);
    std::error_code error;
    CAWE_CHECK(fresh || at->second == folder || fs::equivalent(at->second, folder, error), Code::usage,
               "--input: ", at->second, " and ", folder, " are two folders called '", at->first,
               "', by which their films are told apart (expected folders of other names)");
  }
}

data::Dataset read_table(const std::string& table) {
  const std::string root = folder_of(table);
  const std::string images = (fs::path(root) / "images").string();
  std::error_code error;
  data::LabelCsvOptions o;
  o.csv = table;
  o.root = root;
  o.images_dir = fs::is_directory(images, error) ? images : root;
  o.source = folder_name(root);
  // Readers speak of a recipe's keys, and whoever gives --input has none.
  const data::CsvTable head = data::CsvTable::read(table);
  head.column(o.image_column,
              "Expected that column in a table of --input, or the films themselves in place of the table, or "
              "--recipe, whose data.image_column may name another");
  if (!head.has_column(o.patient_column)) o.patient_column.clear();
  try {
    return data::read_label_csv(o);
  } catch (const Error& e) {
    if (std::string(e.what()).find("data.allow_outside") == std::string::npos) throw;
    fail(e.code(), e.what(), "; that key is a recipe's, and --recipe takes one in place of --input");
  }
}

data::Dataset read_films(const std::string& path, std::map<std::string, int64_t>* left_out) {
  const InputFiles files = list_inputs({path});
  data::Dataset dataset;
  dataset.patients_known = false;
  dataset.rejected = files.rejected;
  const std::string source = folder_name(folder_of(path));
  for (const InputFile& file : files.films) {
    data::Sample sample;
    sample.path = file.path;
    sample.image_id = sample.patient_id = file.id;
    sample.source = source;
    dataset.samples.push_back(std::move(sample));
  }
  for (const auto& [kind, count] : files.left_out) (*left_out)[kind] += count;
  return dataset;
}

/// Puts the sources' names before all ids where two films share one.
void tell_sources_apart(data::Dataset* dataset) {
  std::set<std::string> ids;
  bool twice = false;
  for (const data::Sample& s : dataset->samples) twice |= !ids.insert(s.image_id).second;
  if (!twice) return;
  ids.clear();
  for (data::Sample& s : dataset->samples) {
    const bool itself = s.patient_id == s.image_id;
    s.image_id = s.source + "/" + s.image_id;
    if (itself) s.patient_id = s.image_id;
    CAWE_CHECK(ids.insert(s.image_id).second, Code::usage, "--input: two films are called '", s.image_id,
               "', one of them ", s.path, " (expected names that differ without their endings)");
  }
}

/// The person that the source names, also of a film in a group.
const std::string& own_person(const data::Sample& film) {
  return film.source_patient.empty() ? film.patient_id : film.source_patient;
}

/// Whether what a data set says of its films' owners are persons, groups left aside.
bool names_persons(const data::Dataset& dataset) {
  std::vector<std::string> images, persons;
  for (const data::Sample& s : dataset.samples) {
    images.push_back(s.image_id);
    persons.push_back(own_person(s));
  }
  return dataset.patients_known && data::film_unit(images, persons) == data::FilmUnit::patient;
}

/// The files that keys data.* of a recipe name, where train::load_data() looks for them: a table of groups beside the
/// recipe, everything else, and groups that are not there, below data.root.
std::vector<std::string> files_of(const train::Recipe& recipe) {
  const fs::path root = train::expand_root(recipe.word("data.root"));
  const fs::path beside = fs::path(recipe.source()).parent_path();
  std::vector<std::string> files;
  for (const train::Key& key : train::schema()) {
    if (!key.names_file || !begins_with(key.name, "data.") || !recipe.exists(key.name)) continue;
    const std::optional<train::Value> value = recipe.value(key.name);
    const auto* name = value ? std::get_if<std::string>(&*value) : nullptr;
    if (name == nullptr || name->empty()) continue;
    std::error_code error;
    const bool near = key.name == "data.groups" && fs::is_regular_file(beside / *name, error);
    const std::string expanded = train::expand_root(*name);
    const fs::path file = near ? beside / *name : expanded != *name ? fs::path(expanded) : root / *name;
    // Of folders (images, annotations) only the films are read, and those are known one by one.
    if (fs::is_regular_file(file, error)) files.push_back(file.string());
  }
  return files;
}

}  // namespace

FilmTable films_of_paths(const std::vector<std::string>& paths) {
  FilmTable out;
  data::Dataset& all = out.dataset;
  check_sources_differ(paths);
  for (const std::string& path : paths) {
    const std::string table = table_of(path);
    data::Dataset part = table.empty() ? read_films(path, &out.left_out) : read_table(table);
    const bool known = names_persons(part);
    for (data::Sample& s : part.samples) {
      // Equal numbers of two sources are two persons.
      s.patient_id = known ? s.source + ":" + s.patient_id : s.image_id;
      out.persons.push_back(known ? s.patient_id : "");
    }
    all.samples.insert(all.samples.end(), part.samples.begin(), part.samples.end());
    all.rejected.insert(all.rejected.end(), part.rejected.begin(), part.rejected.end());
    all.warnings.insert(all.warnings.end(), part.warnings.begin(), part.warnings.end());
  }
  CAWE_CHECK(!all.samples.empty(), Code::data, paths[0], ": no film",
             all.rejected.empty() ? "" : " (first problem: " + all.rejected[0].reason + ")");
  data::check_files_differ(all.samples);
  tell_sources_apart(&all);
  return out;
}

data::Split split_of(const std::string& file, const data::Dataset& films) {
  data::Dataset nameless = films;
  nameless.patients_known = false;
  data::Split split = data::read_split(file, nameless);
  data::check_patients_apart(films, split);
  return split;
}

FilmTable films_of_recipe(const std::string& path, const std::vector<std::string>& set, bool quiet) {
  const train::Recipe recipe = train::Recipe::read(path, "films", set);
  train::SplitData data = train::load_data(recipe, quiet);
  FilmTable out;
  out.dataset = std::move(data.dataset);
  out.dataset.warnings.insert(out.dataset.warnings.end(), data.warnings.begin(), data.warnings.end());
  out.split = std::move(data.split);
  out.read = files_of(recipe);
  const bool known = names_persons(out.dataset);
  for (const data::Sample& s : out.dataset.samples) out.persons.push_back(known ? own_person(s) : "");
  return out;
}

}  // namespace cawe::apps
