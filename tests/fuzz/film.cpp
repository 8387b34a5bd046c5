// SPDX-License-Identifier: Apache-2.0
// A DICOM as it is looked at: values in [0, 1], or one clear error.
#include "data/dicom.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cawe;
  fuzz::expect_result_or_data_error([&] {
    const data::Film film = data::parse_film({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const float v : film.image.pixels) FUZZ_CHECK(v >= 0 && v <= 1);
  });
  return 0;
}
