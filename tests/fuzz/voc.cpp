// SPDX-License-Identifier: Apache-2.0
// Fuzzes VOC annotations, XML by pugixml.
#include "data/formats/annotations/voc.h"

#include <cmath>

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  cawe::fuzz::expect_result_or_data_error([&] {
    const auto voc = cawe::data::parse_voc(text, "f.xml");
    FUZZ_CHECK(voc.width >= 0 && (voc.width == 0) == (voc.height == 0));
    for (const auto& object : voc.objects)
      FUZZ_CHECK(std::isfinite(object.box.x1) && std::isfinite(object.box.y2));
  });
  return 0;
}
