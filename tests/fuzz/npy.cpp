// SPDX-License-Identifier: Apache-2.0
// Fuzzes the npy reader: what it accepts reads back as the same bytes once written.
#include "tensor/io/npy.h"

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cawe::fuzz::expect_result_or_data_error([&] {
    const cawe::Tensor x = cawe::parse_npy(reinterpret_cast<const char*>(data), size, "f");
    const std::string bytes = cawe::to_npy(x);
    const cawe::Tensor again = cawe::parse_npy(bytes.data(), bytes.size(), "g");
    FUZZ_CHECK(again.shape() == x.shape());
    FUZZ_CHECK(cawe::to_npy(again) == bytes);
  });
  return 0;
}
