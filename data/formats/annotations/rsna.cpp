// SPDX-License-Identifier: Apache-2.0
// RSNA's labels (Shih et al. 2019, "Augmenting the National Institutes of Health chest radiograph dataset
// with expert annotations of possible pneumonia"); the mapping file is the challenge's own.
#include "data/formats/annotations/rsna.h"

#include <cmath>
#include <unordered_map>

#include "data/dataset.h"
#include "data/formats/table/csv.h"
#include "data/image_files.h"
#include "data/image_name.h"
#include "tensor/error.h"

#include <nlohmann/json.hpp>

#include "tensor/io/strict_json.h"

namespace cawe::data {
namespace {

const std::vector<std::string> kClasses = {"Lung Opacity", "No Lung Opacity / Not Normal", "Normal"};

/// Adds one row to its image.
void add_row(const CsvTable& table, size_t row, const size_t (&columns)[6], RsnaBoxes::Image* image) {
  float target = 0;
  CAWE_CHECK(parse_answer(table.at(row, columns[5]), &target) && !std::isnan(target), Code::data,
             table.where(row), ": Target is '", table.at(row, columns[5]), "' (expected 0 or 1)");
  const bool positive = target == 1;
  int filled = 0;
  double value[4] = {0, 0, 0, 0};
  for (int i = 0; i < 4; ++i) {
    const std::string cell = table.word(row, columns[i + 1]);
    float unknown = 0;
    if (parse_answer(cell, &unknown) && std::isnan(unknown)) continue;  // empty, or NaN as pandas writes it
    value[i] = table.number(row, columns[i + 1]);
    ++filled;
  }
  const auto contradiction = [&](const char* text) {
    if (image->problem.empty()) image->problem = table.where(row) + ": " + text;
  };
  if (!image->where.empty() && image->positive != positive)
    contradiction("Target is 0 and 1 for the same image");
  if (image->where.empty()) image->where = table.where(row);
  image->positive = image->positive || positive;
  if (positive && filled != 4)
    contradiction("Target is 1 but the box is not complete (expected x, y, width and height)");
  if (!positive && filled != 0)
    contradiction("Target is 0 but there is a box (expected no x, y, width and height)");
  if (positive && filled == 4)
    image->rows.push_back({{value[0], value[1], value[0] + value[2], value[1] + value[3]},
                           value[2] * value[3],
                           table.where(row)});
}

std::unordered_map<std::string, std::string> read_classes(const std::string& csv) {
  const CsvTable table = CsvTable::read(csv);
  const size_t id = table.column("patientId"), name = table.column("class");
  std::unordered_map<std::string, std::string> class_of;  // a row for each box, so classes repeat
  for (size_t row = 0; row < table.rows(); ++row) {
    const std::string value = table.word(row, name);
    CAWE_CHECK(value == kClasses[0] || value == kClasses[1] || value == kClasses[2], Code::data,
               table.where(row), ": class is '", value, "' (expected one of: ", kClasses[0], ", ",
               kClasses[1], ", ", kClasses[2], ")");
    const auto [at, fresh] = class_of.emplace(without_image_ending(table.word(row, id)), value);
    CAWE_CHECK(fresh || at->second == value, Code::data, table.where(row), ": image '", at->first,
               "' has class '", value, "' here and '", at->second, "' before");
  }
  return class_of;
}

/// subset_img_id -> the eight digits before "_" in img_id (NIH's patient number).
std::unordered_map<std::string, std::string> read_mapping(const std::string& path) {
  const nlohmann::json list = read_json(path);
  CAWE_CHECK(list.is_array(), Code::data, path, ": is ", list.type_name(), " (expected a list of objects)");
  std::unordered_map<std::string, std::string> patient_of;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string where = detail::concat(path, ": [", i, "]");
    const std::string image = json_string(list[i], "img_id", where);
    const size_t end = image.find('_');
    CAWE_CHECK(end == 8 && image.find_first_not_of("0123456789") == end, Code::data, where, ".img_id: is '",
               image, "' (expected eight digits and '_', as in 00000001_000.png)");
    const auto [at, fresh] =
        patient_of.emplace(json_string(list[i], "subset_img_id", where), image.substr(0, end));
    CAWE_CHECK(fresh, Code::data, where, ": subset_img_id '", at->first, "' comes twice");
  }
  return patient_of;
}

/// Looks the sample's id up in `table`; rejects the sample where it is missing.
const std::string* look_up(const std::unordered_map<std::string, std::string>& table, const Sample& sample,
                           const char* field, const std::string& file, Dataset* out) {
  const auto found = table.find(sample.image_id);
  if (found != table.end()) return &found->second;
  out->rejected.push_back({sample.path, field, file + ": has no entry for '" + sample.image_id + "'"});
  return nullptr;
}

}  // namespace

RsnaBoxes read_rsna_boxes(const std::string& csv) {
  const CsvTable table = CsvTable::read(csv);
  const size_t columns[6] = {table.column("patientId"), table.column("x"),      table.column("y"),
                             table.column("width"),     table.column("height"), table.column("Target")};
  RsnaBoxes out;
  out.row_count = int64_t(table.rows());
  std::unordered_map<std::string, size_t> index;  // by the id without blanks around it
  for (size_t row = 0; row < table.rows(); ++row) {
    const std::string& id = table.at(row, columns[0]);
    CAWE_CHECK(!trimmed(id).empty(), Code::data, table.where(row),
               ": patientId is empty (expected the image's id)");
    const auto [at, fresh] = index.emplace(trimmed(id), out.images.size());
    CAWE_CHECK(fresh || out.images[at->second].id == id, Code::data, table.where(row), ": patientId '", id,
               "' is '", out.images[at->second].id, "' in ", out.images[at->second].where,
               " (expected one spelling: they differ in blanks alone)");
    if (fresh) {
      out.images.emplace_back();
      out.images.back().id = id;
    }
    add_row(table, row, columns, &out.images[at->second]);
  }
  return out;
}

bool apply_rsna_boxes(Dataset* dataset, Sample* sample, const RsnaBoxes::Image& image) {
  if (!image.problem.empty()) {
    dataset->rejected.push_back({sample->path, "Target", image.problem});
    return false;
  }
  for (const RsnaBoxes::Row& row : image.rows)
    if (!add_box(dataset, sample, row.box, 0, row.where)) return false;
  sample->has_box_annotation = true;
  return true;
}

Dataset read_rsna(const RsnaOptions& options) {
  const bool mapped = !options.mapping_json.empty();
  CAWE_CHECK(mapped || options.split_by_image, Code::data, options.labels_csv,
             ": patientId names an image, not a person, and no mapping to patients is given (expected "
             "pneumonia-challenge-dataset-mappings_2018.json, or data.split_unit = \"image\" and optimistic "
             "results)");
  const bool detailed = options.labels == RsnaLabels::detailed;
  CAWE_CHECK(!detailed || !options.classes_csv.empty(), Code::usage,
             "rsna: detailed labels need stage_2_detailed_class_info.csv");
  const RsnaBoxes boxes = read_rsna_boxes(options.labels_csv);
  std::unordered_map<std::string, std::string> patients, classes;
  if (mapped) patients = read_mapping(options.mapping_json);
  if (detailed) classes = read_classes(options.classes_csv);

  Dataset out;
  out.class_names = {"opacity"};
  out.label_names = detailed ? kClasses : std::vector<std::string>{kClasses[0]};
  out.patients_known = mapped;
  ImageFiles files({options.images_dir, options.root, options.allow_outside});
  std::vector<NamedImage> named;
  std::vector<std::string> paths;
  for (const RsnaBoxes::Image& image : boxes.images) {
    ImageFiles::Found found = files.find(image.id, options.extension, image.where + ": patientId");
    named.push_back({std::move(found.name), image.where});
    paths.push_back(std::move(found.path));
  }
  const std::vector<std::string> ids = image_ids(named);
  for (size_t i = 0; i < ids.size(); ++i) {
    const RsnaBoxes::Image& image = boxes.images[i];
    Sample sample;
    sample.image_id = sample.patient_id = ids[i];
    sample.source = "rsna";
    sample.where = image.where;
    sample.path = paths[i];
    if (mapped) {
      const std::string* patient = look_up(patients, sample, "patient", options.mapping_json, &out);
      if (!patient) continue;
      sample.patient_id = options.patient_prefix + *patient;
    }
    if (detailed) {
      const std::string* name = look_up(classes, sample, "class", options.classes_csv, &out);
      if (!name) continue;
      for (const std::string& label : kClasses) sample.labels.push_back(label == *name ? 1.f : 0.f);
    } else {
      sample.labels = {image.positive ? 1.f : 0.f};
    }
    if (apply_rsna_boxes(&out, &sample, image)) out.samples.push_back(std::move(sample));
  }
  out.counts["rows"] = boxes.row_count;
  count_samples(&out);
  return out;
}

}  // namespace cawe::data
