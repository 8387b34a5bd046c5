// SPDX-License-Identifier: Apache-2.0
// COCO truth and results.
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "eval/read_boxes_internal.h"
#include "tensor/error.h"
#include "tensor/io/strict_json.h"

namespace cawe::eval::detail {
namespace {

using nlohmann::json;

BoxD read_box(const json& object, const std::string& where) {
  const json& b = json_array(object, "bbox", where);
  CAWE_CHECK(b.size() == 4 && std::all_of(b.begin(), b.end(), [](const json& v) { return v.is_number(); }),
             Code::data, where, ": bbox (expected four numbers: x, y, width, height)");
  const double x = b[0], y = b[1], w = b[2], h = b[3];
  return {x, y, x + w, y + h};
}

std::string element(const std::string& path, const char* list, size_t index) {
  return path + ": " + list + "[" + std::to_string(index) + "]";
}

void read_images(const json& document, const std::string& path, TruthSet* truth,
                 std::map<int64_t, int64_t>* index) {
  // Ascending ids: the order in which pycocotools breaks ties.
  std::map<int64_t, TruthImage> by_id;
  const json& images = json_array(document, "images", path);
  for (size_t i = 0; i < images.size(); ++i) {
    const std::string where = element(path, "images", i);
    TruthImage image;
    image.id = json_string(images[i], "file_name", where);
    if (images[i].contains("width")) image.width = json_number(images[i], "width", where);
    if (images[i].contains("height")) image.height = json_number(images[i], "height", where);
    const int64_t id = json_integer(images[i], "id", where);
    CAWE_CHECK(by_id.emplace(id, image).second, Code::data, where, ": id ", id,
               " comes twice (expected once)");
  }
  for (const auto& [id, image] : by_id) {
    const int64_t at = int64_t(truth->images.size());
    (*index)[id] = at;
    truth->number_of[id] = at;
    add_image(truth, image, std::to_string(id));
  }
}

}  // namespace

TruthSet read_coco_truth(const std::string& path) {
  const json document = read_json(path);
  TruthSet truth;
  std::map<int64_t, int64_t> images, labels;
  read_images(document, path, &truth, &images);
  std::map<int64_t, std::string> names;
  const json& categories = json_array(document, "categories", path);
  for (size_t i = 0; i < categories.size(); ++i) {
    const std::string where = element(path, "categories", i);
    const int64_t id = json_integer(categories[i], "id", where);
    CAWE_CHECK(names.emplace(id, json_string(categories[i], "name", where)).second, Code::data, where,
               ": id ", id, " comes twice (expected once)");
  }
  for (const auto& [id, name] : names) {
    labels[id] = int64_t(truth.label_names.size());
    truth.label_of.emplace(name, labels[id]);
    truth.label_of.emplace(std::to_string(id), labels[id]);
    truth.label_names.push_back(name);
  }
  int64_t clipped = 0;
  const json& annotations = json_array(document, "annotations", path);
  for (size_t i = 0; i < annotations.size(); ++i) {
    const json& a = annotations[i];
    const std::string where = element(path, "annotations", i);
    const auto image = images.find(json_integer(a, "image_id", where));
    CAWE_CHECK(image != images.end(), Code::data, where, ": image_id ", json_integer(a, "image_id", where),
               " is not in images (expected one of ", images.size(), ")");
    const auto label = labels.find(json_integer(a, "category_id", where));
    CAWE_CHECK(label != labels.end(), Code::data, where, ": category_id ",
               json_integer(a, "category_id", where), " is not in categories (expected one of ",
               labels.size(), ")");
    TruthBox box{read_box(a, where), label->second, false, 0};
    if (a.contains("iscrowd")) {
      const int64_t crowd = json_integer(a, "iscrowd", where);
      CAWE_CHECK(crowd == 0 || crowd == 1, Code::data, where, ": iscrowd ", crowd, " (expected 0 or 1)");
      box.crowd = crowd == 1;
    }
    TruthImage& home = truth.images[size_t(image->second)];
    box.area = a.contains("area") ? json_number(a, "area", where) : box.box.area();
    check_truth_box(where, &home, &box.box, &clipped);
    home.boxes.push_back(box);
  }
  if (clipped > 0)
    truth.notes.push_back(std::to_string(clipped) +
                          " true boxes up to a pixel outside their image were clipped");
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
    CAWE_CHECK(id.is_string() || id.is_number_integer(), Code::data, where,
               ": image_id (expected an integer or a name)");
    RawDetection row;
    row.detection.image = id.is_string() ? places->of(id.get<std::string>(), where)
                                         : places->of_number(id.get<int64_t>(), where);
    row.detection.box = read_box(d, where);
    row.detection.score = json_number(d, "score", where);
    CAWE_CHECK(std::isfinite(row.detection.score), Code::data, where, ": score (expected a finite number)");
    const BoxD& box = row.detection.box;
    CAWE_CHECK(std::isfinite(box.area()) && box.width() > 0 && box.height() > 0, Code::data, where,
               ": box of ", box.width(), " x ", box.height(), " (expected a positive width and height)");
    if (d.contains("category_id")) row.label = std::to_string(json_integer(d, "category_id", where));
    row.where = "[" + std::to_string(i) + "]";
    raw.push_back(row);
  }
  return raw;
}

}  // namespace cawe::eval::detail
