// SPDX-License-Identifier: Apache-2.0
// COCO JSON over the strict parser.
#include "data/formats/annotations/coco.h"

#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "data/dataset.h"
#include "data/formats/annotations/coco_fields.h"
#include "tensor/error.h"
#include "tensor/io/strict_json.h"

namespace cawe::data {
namespace {

using nlohmann::json;

class Reader {
 public:
  Reader(const std::string& name, const ImagePlaces& places) : name_(name), files_(places) {}

  Dataset read(const json& root) {
    categories(root);
    images(json_array(root, "images", name_));
    annotations(json_array(root, "annotations", name_));
    drop_samples(&out_, gone_);
    out_.patients_known = false;
    count_samples(&out_);
    return std::move(out_);
  }

 private:
  std::string at(const char* list, size_t i) const { return detail::concat(name_, ": ", list, "[", i, "]"); }

  void categories(const json& root) {
    for (const auto& [id, name] : coco_categories(root, name_)) {
      class_of_[id] = int(out_.class_names.size());
      out_.class_names.push_back(name);
    }
  }

  void images(const json& list) {
    std::vector<NamedImage> named;
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string where = at("images", i), file = coco_file_name(list[i], where);
      Sample sample;
      sample.number = coco_whole(list[i], "id", where);
      sample.width = side(list[i], "width", where);
      sample.height = side(list[i], "height", where);
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
    const int64_t value = coco_whole(image, key, where);
    CAWE_CHECK(value >= 1 && value <= 16384, Code::data, where, ".", key, ": is ", value,
               " (expected 1 to 16384)");
    return int(value);
  }

  void annotations(const json& list) {
    std::unordered_set<int64_t> ids;
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string where = at("annotations", i);
      CAWE_CHECK(ids.insert(coco_whole(list[i], "id", where)).second, Code::data, where, ": id comes twice");
      const auto image = index_.find(coco_whole(list[i], "image_id", where));
      CAWE_CHECK(image != index_.end(), Code::data, where, ".image_id: no such image");
      const auto category = class_of_.find(coco_whole(list[i], "category_id", where));
      CAWE_CHECK(category != class_of_.end(), Code::data, where, ".category_id: no such category");
      annotation(list[i], where, category->second, &out_.samples[image->second]);
    }
  }

  void annotation(const json& item, const std::string& where, int box_class, Sample* sample) {
    const BoxD box = coco_box(item, where);
    coco_area(item, box, where);  // which training does not use: what it takes, evaluating takes
    if (coco_crowd(item, where)) {
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
