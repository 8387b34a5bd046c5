// SPDX-License-Identifier: Apache-2.0
// COCO detection JSON, in and out.
#pragma once

#include <string>
#include <string_view>

#include "data/sample.h"

namespace cawe::data {

/// Images without annotations stay as negatives. Category ids may be sparse: class_names are in the order of
/// the ids. iscrowd = 1 goes to Sample::ignored. image_id is the file's stem, number the COCO id. COCO names
/// no persons: patients_known is false. A bad box rejects its image; a structural fault (a missing field, an
/// id used twice, an annotation of an unknown image or category) throws data.
Dataset read_coco(const std::string& json, const std::string& images_dir);
/// The same from text; `name` begins messages.
Dataset parse_coco(std::string_view text, const std::string& name, const std::string& images_dir);

}  // namespace cawe::data
