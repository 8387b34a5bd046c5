// SPDX-License-Identifier: Apache-2.0
// Fuzzes COCO JSON: every box that comes out lies in its image and has a class.
#include "data/formats/annotations/coco.h"

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cawe::fuzz::expect_result_or_data_error([&] {
    const auto set = cawe::data::parse_coco({reinterpret_cast<const char*>(data), size}, "f.json", "images");
    for (const auto& sample : set.samples) {
      FUZZ_CHECK(sample.boxes.size() == sample.box_classes.size());
      for (const int box_class : sample.box_classes)
        FUZZ_CHECK(box_class >= 0 && size_t(box_class) < set.class_names.size());
      for (const auto& box : sample.boxes) {
        FUZZ_CHECK(box.x1 >= 0 && box.y1 >= 0);
        FUZZ_CHECK(box.x2 <= float(sample.width) && box.y2 <= float(sample.height));
        FUZZ_CHECK(box.x2 > box.x1 && box.y2 > box.y1);
      }
    }
  });
  return 0;
}
