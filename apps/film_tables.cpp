// SPDX-License-Identifier: Apache-2.0
#include "apps/film_tables.h"

#include <filesystem>
#include <set>

#include "apps/input_files.h"
#include "data/film_names.h"
#include "data/formats/annotations/label_csv.h"
#include "data/formats/table/csv.h"
#include "data/image_files.h"
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

/// "a/b/" and "a/b" -> "b"
std::string folder_name(const std::string& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

data::Dataset read_table(const std::string& table) {
  const fs::path parent = fs::path(table).parent_path(), root = parent.empty() ? fs::path(".") : parent;
  std::error_code error;
  data::LabelCsvOptions o;
  o.csv = table;
  o.root = root.string();
  o.images_dir = fs::is_directory(root / "images", error) ? (root / "images").string() : o.root;
  o.source = folder_name(o.root);
  if (!data::CsvTable::read(table).has_column(o.patient_column)) o.patient_column.clear();
  return data::read_label_csv(o);
}

data::Dataset read_films(const std::string& path, std::map<std::string, int64_t>* left_out) {
  const InputFiles files = list_inputs({path});
  data::Dataset dataset;
  dataset.patients_known = false;
  dataset.rejected = files.rejected;
  std::error_code error;
  for (const InputFile& file : files.films) {
    data::Sample sample;
    sample.path = file.path;
    sample.image_id = sample.patient_id = file.id;
    sample.source = folder_name(fs::is_directory(path, error) ? path : fs::path(path).parent_path().string());
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
               "', one of them ", s.path, " (expected folders of other names)");
  }
}

}  // namespace

FilmTable films_of_paths(const std::vector<std::string>& paths) {
  FilmTable out;
  data::Dataset& all = out.dataset;
  for (const std::string& path : paths) {
    const std::string table = table_of(path);
    data::Dataset part = table.empty() ? read_films(path, &out.left_out) : read_table(table);
    // Equal numbers of two sources are two persons.
    for (data::Sample& s : part.samples)
      if (part.patients_known && s.patient_id != s.image_id) s.patient_id = s.source + ":" + s.patient_id;
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

FilmTable films_of_recipe(const std::string& path, const std::vector<std::string>& set, bool quiet) {
  const train::Recipe recipe = train::Recipe::read(path, "films", set);
  train::SplitData data = train::load_data(recipe, quiet);
  FilmTable out;
  out.dataset = std::move(data.dataset);
  out.dataset.warnings.insert(out.dataset.warnings.end(), data.warnings.begin(), data.warnings.end());
  out.split = std::move(data.split);
  return out;
}

}  // namespace cawe::apps
