// SPDX-License-Identifier: Apache-2.0
// COCO JSON over the strict parser.
#include "data/formats/annotations/coco.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "data/dataset.h"
#include "tensor/error.h"
#include "tensor/io/strict_json.h"

namespace cawe::data {
namespace {

using nlohmann::json;

/// A whole number; pandas and others write ids as 7.0.
int64_t whole(const json& object, const char* key, const std::string& where) {
  const json& value = json_field(object, key, where);
  if (!value.is_number_float()) return json_integer(object, key, where);
  const double number = value.get<double>();
  CAWE_CHECK(std::nearbyint(number) == number && std::abs(number) <= 9007199254740992.0, Code::data, where,
             ".", key, ": is ", value.dump().substr(0, 40), " (expected an integer)");
  return int64_t(number);
}

/// 0, 1, false, true.
bool is_crowd(const json& item, const std::string& where) {
  const auto found = item.find("iscrowd");
  if (found == item.end()) return false;
  if (found->is_boolean()) return found->get<bool>();
  const int64_t value = whole(item, "iscrowd", where);
  CAWE_CHECK(value == 0 || value == 1, Code::data, where, ".iscrowd: is ", value, " (expected 0 or 1)");
  return value == 1;
}

class Reader {
 public:
  Reader(const std::string& name, const ImagePlaces& places) : name_(name), files_(places) {}

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
      CAWE_CHECK(by_id.emplace(whole(list[i], "id", where), name).second, Code::data, where,
                 ": id comes twice");
      CAWE_CHECK(names.insert(name).second, Code::data, where, ": name '", name, "' comes twice");
    }
    for (const auto& [id, name] : by_id) {
      class_of_[id] = int(out_.class_names.size());
      out_.class_names.push_back(name);
    }
  }

  void images(const json& list) {
    std::vector<NamedImage> named;
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string where = at("images", i), file = json_string(list[i], "file_name", where);
      Sample sample;
      sample.number = whole(list[i], "id", where);
      sample.width = side(list[i], "width", where);
      sample.height = side(list[i], "height", where);
      CAWE_CHECK(!file.empty(), Code::data, where, ".file_name: is empty");
      const ImageFiles::Found found = files_.find(file, "", where + ".file_name");
      named.push_back({found.name, where});
      CAWE_CHECK(index_.emplace(sample.number, out_.samples.size()).second, Code::data, where, ": id ",
                 sample.number, " comes twice");
      sample.source = "coco";
      sample.path = found.path;
      sample.where = where;
      sample.has_box_annotation = true;
      out_.samples.push_back(std::move(sample));
    }
    const std::vector<std::string> ids = image_ids(named);
    for (size_t i = 0; i < ids.size(); ++i) out_.samples[i].image_id = out_.samples[i].patient_id = ids[i];
  }

  static int side(const json& image, const char* key, const std::string& where) {
    const int64_t value = whole(image, key, where);
    CAWE_CHECK(value >= 1 && value <= 16384, Code::data, where, ".", key, ": is ", value,
               " (expected 1 to 16384)");
    return int(value);
  }

  void annotations(const json& list) {
    std::unordered_set<int64_t> ids;
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string where = at("annotations", i);
      CAWE_CHECK(ids.insert(whole(list[i], "id", where)).second, Code::data, where, ": id comes twice");
      const auto image = index_.find(whole(list[i], "image_id", where));
      CAWE_CHECK(image != index_.end(), Code::data, where, ".image_id: no such image");
      const auto category = class_of_.find(whole(list[i], "category_id", where));
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
    if (is_crowd(item, where)) {
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
  ImageFiles files_;
  Dataset out_;
  std::map<int64_t, int> class_of_;
  std::unordered_map<int64_t, size_t> index_;
  std::vector<std::string> gone_;
};

}  // namespace

Dataset parse_coco(std::string_view text, const std::string& name, const ImagePlaces& places) {
  return Reader(name, places).read(parse_json(text, name));
}

Dataset read_coco(const std::string& path, const ImagePlaces& places) {
  return Reader(path, places).read(read_json(path));
}

}  // namespace cawe::data
