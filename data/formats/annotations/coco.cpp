// SPDX-License-Identifier: Apache-2.0
// COCO JSON over the strict parser.
#include "data/formats/annotations/coco.h"

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "data/dataset.h"
#include "data/formats/table/csv.h"
#include "tensor/error.h"
#include "tensor/io/strict_json.h"

namespace cawe::data {
namespace {

using nlohmann::json;

class Reader {
 public:
  Reader(const std::string& name, const std::string& images_dir) : name_(name), images_dir_(images_dir) {}

  Dataset read(const json& root) {
    categories(json_array(root, "categories", name_));
    images(json_array(root, "images", name_));
    annotations(json_array(root, "annotations", name_));
    drop_samples(&out_, gone_);
    out_.patients_known = false;
    count_samples(&out_);
    return std::move(out_);
  }

 private:
  std::string at(const char* list, size_t i) const { return detail::concat(name_, ": ", list, "[", i, "]"); }

  void categories(const json& list) {
    std::map<int64_t, std::string> by_id;
    std::set<std::string> names;
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string where = at("categories", i), name = json_string(list[i], "name", where);
      CAWE_CHECK(by_id.emplace(json_integer(list[i], "id", where), name).second, Code::data, where,
                 ": id comes twice");
      CAWE_CHECK(names.insert(name).second, Code::data, where, ": name '", name, "' comes twice");
    }
    for (const auto& [id, name] : by_id) {
      class_of_[id] = int(out_.class_names.size());
      out_.class_names.push_back(name);
    }
  }

  void images(const json& list) {
    std::unordered_set<std::string> stems;
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string where = at("images", i), file = json_string(list[i], "file_name", where);
      Sample sample;
      sample.number = json_integer(list[i], "id", where);
      sample.width = side(list[i], "width", where);
      sample.height = side(list[i], "height", where);
      sample.image_id = sample.patient_id = stem(file);
      CAWE_CHECK(!sample.image_id.empty(), Code::data, where, ".file_name: is empty");
      CAWE_CHECK(stems.insert(sample.image_id).second, Code::data, where, ": file name '", sample.image_id,
                 "' comes twice (expected names that differ without folder and extension)");
      CAWE_CHECK(index_.emplace(sample.number, out_.samples.size()).second, Code::data, where, ": id ",
                 sample.number, " comes twice");
      sample.source = "coco";
      sample.path = (std::filesystem::path(images_dir_) / file).string();
      sample.has_box_annotation = true;
      out_.samples.push_back(std::move(sample));
    }
  }

  static int side(const json& image, const char* key, const std::string& where) {
    const int64_t value = json_integer(image, key, where);
    CAWE_CHECK(value >= 1 && value <= 16384, Code::data, where, ".", key, ": is ", value,
               " (expected 1 to 16384)");
    return int(value);
  }

  void annotations(const json& list) {
    std::unordered_set<int64_t> ids;
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string where = at("annotations", i);
      CAWE_CHECK(ids.insert(json_integer(list[i], "id", where)).second, Code::data, where,
                 ": id comes twice");
      const auto image = index_.find(json_integer(list[i], "image_id", where));
      CAWE_CHECK(image != index_.end(), Code::data, where, ".image_id: no such image");
      const auto category = class_of_.find(json_integer(list[i], "category_id", where));
      CAWE_CHECK(category != class_of_.end(), Code::data, where, ".category_id: no such category");
      annotation(list[i], where, category->second, &out_.samples[image->second]);
    }
  }

  void annotation(const json& item, const std::string& where, int box_class, Sample* sample) {
    const json& bbox = json_array(item, "bbox", where);
    CAWE_CHECK(bbox.size() == 4, Code::data, where, ".bbox: has ", bbox.size(), " numbers (expected 4)");
    double v[4];
    for (size_t k = 0; k < 4; ++k) {
      CAWE_CHECK(bbox[k].is_number(), Code::data, where, ".bbox[", k, "]: is not a number");
      v[k] = bbox[k].get<double>();
    }
    const BoxD box{v[0], v[1], v[0] + v[2], v[1] + v[3]};
    if (item.contains("iscrowd") && json_integer(item, "iscrowd", where) == 1) {
      ignore(box, where, sample);
    } else if (!add_box(&out_, sample, box, box_class, where)) {
      gone_.push_back(sample->image_id);
    }
  }

  void ignore(BoxD box, const std::string& where, Sample* sample) {
    std::string field, reason;
    if (check_box(&box, sample->width, sample->height, &field, &reason) == BoxCheck::bad) {
      out_.rejected.push_back({sample->path, field, where + ": " + reason});
      gone_.push_back(sample->image_id);
      return;
    }
    sample->ignored.push_back({float(box.x1), float(box.y1), float(box.x2), float(box.y2)});
  }

  const std::string& name_;
  const std::string& images_dir_;
  Dataset out_;
  std::map<int64_t, int> class_of_;
  std::unordered_map<int64_t, size_t> index_;
  std::vector<std::string> gone_;
};

}  // namespace

Dataset parse_coco(std::string_view text, const std::string& name, const std::string& images_dir) {
  return Reader(name, images_dir).read(parse_json(text, name));
}

Dataset read_coco(const std::string& path, const std::string& images_dir) {
  return Reader(path, images_dir).read(read_json(path));
}

}  // namespace cawe::data
