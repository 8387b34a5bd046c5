// SPDX-License-Identifier: Apache-2.0
// Fields of COCO's JSON, read in one way for training and for evaluating. `where` begins messages, e.g.
// "PATH: annotations[3]"; all throw data.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tensor/box.h"

namespace cawe::data {

/// A whole number: an id, a side, a class. pandas and others write it as 7.0.
int64_t coco_whole(const nlohmann::json& object, const char* key, const std::string& where);

/// `iscrowd`: 0 and 1, also as 0.0, 1.0, false and true; false without the field.
bool coco_crowd(const nlohmann::json& annotation, const std::string& where);

/// `bbox` (x, y, width, height), in pixels.
BoxD coco_box(const nlohmann::json& annotation, const std::string& where);

/// `area`, that of `box` without the field: finite, and 0 or more (a polygon that is walked the other way around gives
/// a negative one, which no range of sizes holds).
double coco_area(const nlohmann::json& annotation, const BoxD& box, const std::string& where);

/// An image's `file_name`, which is not empty.
std::string coco_file_name(const nlohmann::json& image, const std::string& where);

/// The document's categories by id. `name` is the file's. An id or a name that comes twice is refused.
std::map<int64_t, std::string> coco_categories(const nlohmann::json& document, const std::string& name);

}  // namespace cawe::data
