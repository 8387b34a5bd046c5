// SPDX-License-Identifier: Apache-2.0
// Reads COCO JSON that tests trust; the program's own reader is data/formats/annotations/coco.h.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "eval/detections.h"

namespace cawe::eval::testing {

inline nlohmann::json load_json(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot open " + path.string());
  return nlohmann::json::parse(in);
}

struct CocoCase {
  std::vector<TruthImage> truth;
  std::vector<Detection> detections;
};

inline BoxD coco_box(const nlohmann::json& b) {
  const double x = b[0], y = b[1], w = b[2], h = b[3];
  return {x, y, x + w, y + h};
}

inline CocoCase coco_case(const nlohmann::json& truth, const nlohmann::json& detections) {
  CocoCase result;
  std::map<int64_t, int64_t> index;
  for (const auto& image : truth.at("images")) index[image.at("id")] = 0;
  int64_t next = 0;
  for (auto& [id, at] : index) at = next++;
  result.truth.resize(index.size());
  for (const auto& [id, at] : index) result.truth[size_t(at)].id = std::to_string(id);
  for (const auto& a : truth.at("annotations"))
    result.truth[size_t(index.at(a.at("image_id")))].boxes.push_back(
        {coco_box(a.at("bbox")), a.at("category_id"), a.at("iscrowd").get<int>() != 0, a.at("area")});
  for (const auto& d : detections)
    result.detections.push_back(
        {index.at(d.at("image_id")), coco_box(d.at("bbox")), d.at("score"), d.at("category_id")});
  return result;
}

}  // namespace cawe::eval::testing
