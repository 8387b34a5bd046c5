// SPDX-License-Identifier: Apache-2.0
// JPEG bytes: a picture whose samples are all there, or one clear error; damage is let pass where that is allowed, or where
// scans are missing but no component; it is named, and turning a picture upright keeps its samples.
#include "data/formats/picture/jpeg_scans.h"
#include "data/formats/picture/orientation.h"
#include "data/formats/picture/picture.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cawe;
  for (const bool allow : {false, true})
    fuzz::expect_result_or_data_error([&] {
      const std::string_view bytes(reinterpret_cast<const char*>(data), size);
      data::Picture p = data::parse_jpeg(bytes, "fuzz", {allow});
      const data::MissingScans missing = data::missing_scans(bytes);
      FUZZ_CHECK(p.bytes.size() == p.count() * size_t(p.bits_allocated) / 8);
      FUZZ_CHECK(allow || (p.damage == missing.text && !missing.whole_component));
      FUZZ_CHECK(p.orientation >= 1 && p.orientation <= 8);
      data::turn_upright(&p);
      FUZZ_CHECK(p.bytes.size() == p.count() * size_t(p.bits_allocated) / 8);
    });
  return 0;
}
