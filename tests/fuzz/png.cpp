// SPDX-License-Identifier: Apache-2.0
// PNG bytes: a picture whose samples are all there, or one clear error; damage that is let pass is named, and
// turning it upright keeps its samples.
#include "data/formats/picture/orientation.h"
#include "data/formats/picture/picture.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cawe;
  for (const bool allow : {false, true})
    fuzz::expect_result_or_data_error([&] {
      data::Picture p = data::parse_png({reinterpret_cast<const char*>(data), size}, "fuzz", {allow});
      FUZZ_CHECK(p.bytes.size() == p.count() * size_t(p.bits_allocated) / 8);
      FUZZ_CHECK(allow || p.damage.empty());
      FUZZ_CHECK(p.orientation >= 1 && p.orientation <= 8);
      data::turn_upright(&p);
      FUZZ_CHECK(p.bytes.size() == p.count() * size_t(p.bits_allocated) / 8);
    });
  return 0;
}
