// SPDX-License-Identifier: Apache-2.0
// Fuzzes the safetensors reader: what it accepts has one canonical form, which reads back as the same bytes.
#include "tensor/io/safetensors.h"

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cawe::fuzz::expect_result_or_data_error([&] {
    const cawe::Safetensors file = cawe::parse_safetensors(reinterpret_cast<const char*>(data), size, "f");
    const std::string bytes = cawe::to_safetensors(file);
    const cawe::Safetensors again = cawe::parse_safetensors(bytes.data(), bytes.size(), "g");
    FUZZ_CHECK(again.metadata == file.metadata);
    FUZZ_CHECK(cawe::to_safetensors(again) == bytes);
  });
  return 0;
}
