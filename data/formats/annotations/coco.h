// SPDX-License-Identifier: Apache-2.0
// COCO detection JSON, in and out.
#pragma once

#include <string>
#include <string_view>

#include "data/image_files.h"
#include "data/sample.h"

namespace cawe::data {

/// Images without annotations stay as negatives. Category ids may be sparse: class_names are in the order
/// of the ids. iscrowd = 1 (or true) goes to Sample::ignored; without the field it is 0. Ids may be written
/// as whole floating-point numbers (7.0). image_id is that of image_ids(), number the COCO id. COCO names
/// no persons: patients_known is false. A bad box rejects its image; a structural fault (a missing field,
/// an id used twice, an annotation of an unknown image or category, a file outside `places`) throws data.
Dataset read_coco(const std::string& json, const ImagePlaces& places);
/// The same from text; `name` begins messages.
Dataset parse_coco(std::string_view text, const std::string& name, const ImagePlaces& places);

}  // namespace cawe::data
