// SPDX-License-Identifier: Apache-2.0
// DICOM bytes: a picture whose samples are all there, or one clear error; damage that is let pass is named.
#include "data/formats/picture/picture.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cawe;
  for (const bool allow : {false, true})
    fuzz::expect_result_or_data_error([&] {
      const data::Picture p = data::parse_dicom({reinterpret_cast<const char*>(data), size}, "fuzz", {allow});
      FUZZ_CHECK(p.bytes.size() == p.count() * size_t(p.bits_allocated) / 8);
      FUZZ_CHECK(allow || p.damage.empty());
    });
  return 0;
}
