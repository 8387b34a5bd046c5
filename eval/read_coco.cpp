// SPDX-License-Identifier: Apache-2.0
// COCO truth and results.
#include <map>
#include <nlohmann/json.hpp>

#include "data/formats/annotations/coco_fields.h"
#include "data/image_files.h"
#include "eval/read_boxes_internal.h"
#include "tensor/error.h"
#include "tensor/io/strict_json.h"

namespace cawe::eval::detail {
namespace {

using nlohmann::json;

std::string element(const std::string& path, const char* list, size_t index) {
  return path + ": " + list + "[" + std::to_string(index) + "]";
}

/// 0 where the file does not say.
double side(const json& image, const char* key, const std::string& where) {
  if (!image.contains(key)) return 0;
  const int64_t value = data::coco_whole(image, key, where);
  CAWE_CHECK(value >= 0 && value <= 1000000000, Code::data, where, ".", key, ": is ", value,
             " (expected pixels, or 0 where it is not known)");
  return double(value);
}

void read_images(const json& document, const std::string& path, TruthSet* truth,
                 std::map<int64_t, int64_t>* index) {
  // Ascending ids: the order in which pycocotools breaks ties.
  std::map<int64_t, TruthImage> by_id;
  const json& images = json_array(document, "images", path);
  std::vector<data::NamedImage> named;
  for (size_t i = 0; i < images.size(); ++i) {
    const std::string where = element(path, "images", i);
    TruthImage image;
    image.id = data::coco_file_name(images[i], where);
    named.push_back({image.id, where});
    image.width = side(images[i], "width", where);
    image.height = side(images[i], "height", where);
    const int64_t id = data::coco_whole(images[i], "id", where);
    CAWE_CHECK(by_id.emplace(id, image).second, Code::data, where, ": id ", id,
               " comes twice (expected once)");
  }
  data::image_ids(named);  // refuses a film that is named twice: which of the two would a detection be on?
  std::vector<std::string> names;
  for (const auto& [id, image] : by_id) {
    const int64_t at = int64_t(truth->images.size());
    (*index)[id] = at;
    truth->number_of[id] = at;
    add_image(truth, image, std::to_string(id));
    names.push_back(image.id);
  }
  if (!data::ids_tell_films(names, truth->numbers)) truth->numbers.clear();
}

}  // namespace

TruthSet read_coco_truth(const std::string& path) {
  const json document = read_json(path);
  TruthSet truth;
  std::map<int64_t, int64_t> images, labels;
  read_images(document, path, &truth, &images);
  for (const auto& [id, name] : data::coco_categories(document, path)) {
    labels[id] = int64_t(truth.label_names.size());
    truth.label_of.emplace(name, labels[id]);
    truth.label_of_id.emplace(std::to_string(id), labels[id]);
    truth.label_names.push_back(name);
  }
  int64_t clipped = 0;
  const json& annotations = json_array(document, "annotations", path);
  for (size_t i = 0; i < annotations.size(); ++i) {
    const json& a = annotations[i];
    const std::string where = element(path, "annotations", i);
    const int64_t image_id = data::coco_whole(a, "image_id", where);
    const auto image = images.find(image_id);
    CAWE_CHECK(image != images.end(), Code::data, where, ": image_id ", image_id,
               " is not in images (expected one of ", images.size(), ")");
    const int64_t category = data::coco_whole(a, "category_id", where);
    const auto label = labels.find(category);
    CAWE_CHECK(label != labels.end(), Code::data, where, ": category_id ", category,
               " is not in categories (expected one of ", labels.size(), ")");
    TruthBox box{data::coco_box(a, where), label->second, data::coco_crowd(a, where), 0};
    TruthImage& home = truth.images[size_t(image->second)];
    box.area = data::coco_area(a, box.box, where);
    check_truth_box(where, home, &box.box, &clipped);
    home.boxes.push_back(box);
  }
  note_clipped(&truth, clipped);
  return truth;
}

std::vector<RawDetection> read_coco_detections(const std::string& path, Places* places) {
  const json document = read_json(path);
  CAWE_CHECK(document.is_array(), Code::data, path, ": COCO results (expected a list of detections)");
  std::vector<RawDetection> raw;
  for (size_t i = 0; i < document.size(); ++i) {
    const json& d = document[i];
    const std::string where = element(path, "", i);
    const json& id = json_field(d, "image_id", where);
    CAWE_CHECK(id.is_string() || id.is_number(), Code::data, where,
               ": image_id (expected an integer or a name)");
    RawDetection row;
    row.where = where;
    row.detection.image = id.is_string() ? places->of(id.get<std::string>(), where)
                                         : places->of_number(data::coco_whole(d, "image_id", where), where);
    row.detection.box = data::coco_box(d, where);
    row.detection.score = json_number(d, "score", where);
    check_detection(where, row.detection.box, row.detection.score);
    row.label_is_id = d.contains("category_id");
    if (row.label_is_id) row.label = std::to_string(data::coco_whole(d, "category_id", where));
    raw.push_back(row);
  }
  return raw;
}

}  // namespace cawe::eval::detail
