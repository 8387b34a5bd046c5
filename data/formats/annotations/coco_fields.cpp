// SPDX-License-Identifier: Apache-2.0
#include "data/formats/annotations/coco_fields.h"

#include <nlohmann/json.hpp>
#include <set>

#include "data/formats/table/csv.h"
#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tensor/io/strict_json.h"

namespace cawe::data {

using nlohmann::json;

int64_t coco_whole(const json& object, const char* key, const std::string& where) {
  const json& value = json_field(object, key, where);
  if (!value.is_number_float()) return json_integer(object, key, where);
  int64_t whole = 0;
  CAWE_CHECK(whole_number(value.get<double>(), &whole), Code::data, where, ".", key, ": is ",
             value.dump().substr(0, 40), " (expected an integer)");
  return whole;
}

bool coco_crowd(const json& annotation, const std::string& where) {
  const auto found = annotation.find("iscrowd");
  if (found == annotation.end()) return false;
  if (found->is_boolean()) return found->get<bool>();
  const int64_t value = coco_whole(annotation, "iscrowd", where);
  CAWE_CHECK(value == 0 || value == 1, Code::data, where, ".iscrowd: is ", value, " (expected 0 or 1)");
  return value == 1;
}

BoxD coco_box(const json& annotation, const std::string& where) {
  const json& bbox = json_array(annotation, "bbox", where);
  CAWE_CHECK(bbox.size() == 4, Code::data, where, ".bbox: has ", bbox.size(),
             " numbers (expected 4: x, y, width and height)");
  double v[4];
  for (size_t k = 0; k < 4; ++k) {
    CAWE_CHECK(bbox[k].is_number(), Code::data, where, ".bbox[", k, "]: is not a number");
    v[k] = bbox[k].get<double>();
  }
  return {v[0], v[1], v[0] + v[2], v[1] + v[3]};
}

double coco_area(const json& annotation, const BoxD& box, const std::string& where) {
  if (!annotation.contains("area")) return box.area();
  const double area = json_number(annotation, "area", where);
  CAWE_CHECK(area >= 0, Code::data, where, ".area: is ", area, " (expected 0 or more)");
  return area;
}

std::string coco_file_name(const json& image, const std::string& where) {
  const std::string file = json_string(image, "file_name", where);
  CAWE_CHECK(!trimmed(file).empty(), Code::data, where, ".file_name: is empty (expected the image's file)");
  return file;
}

std::map<int64_t, std::string> coco_categories(const json& document, const std::string& name) {
  const json& list = json_array(document, "categories", name);
  std::map<int64_t, std::string> by_id;
  std::set<std::string> names;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string where = detail::concat(name, ": categories[", i, "]");
    const std::string category = json_string(list[i], "name", where);
    CAWE_CHECK(by_id.emplace(coco_whole(list[i], "id", where), category).second, Code::data, where,
               ": id comes twice");
    CAWE_CHECK(names.insert(category).second, Code::data, where, ": name '", category, "' comes twice");
  }
  return by_id;
}

}  // namespace cawe::data
