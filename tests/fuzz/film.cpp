// SPDX-License-Identifier: Apache-2.0
// A DICOM film as a viewer shows it: values in [0, 1], or one clear error; damage that is let pass is named; derived
// images can be read.
#include "data/formats/dicom/film.h"
#include "data/formats/dicom/derived.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cawe;
  for (const bool allow : {false, true})
    fuzz::expect_result_or_data_error([&] {
      const data::Film film =
          data::parse_film({reinterpret_cast<const char*>(data), size}, "fuzz", {allow, false, true});
      for (const float v : film.image.pixels) FUZZ_CHECK(v >= 0 && v <= 1);
      FUZZ_CHECK(allow || film.damage.empty());
      FUZZ_CHECK(data::is_origin(film.origin));
      data::DerivedImage image;
      image.width = image.height = 1;
      image.values = {7};
      for (const data::Identity identity : {data::Identity::keep, data::Identity::hash}) {
        const std::string derived = data::derived_dicom(film.origin, image, identity);
        FUZZ_CHECK(data::parse_film(derived, "derived").image.pixels[0] == 7.0f / 255);
      }
    });
  return 0;
}
