// SPDX-License-Identifier: Apache-2.0
// Fuzzes the .pth reader. A zip's checksums keep random changes from its pickle, so the bytes are also tried
// as a bare pickle; every tensor that is built must be one that safetensors can keep.
#include "tensor/io/pth.h"

#include "tensor/io/pickle.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  cawe::fuzz::expect_result_or_data_error([&] {
    try {
      for (const auto& [name, x] : cawe::parse_pth(bytes, "f.pth")) {
        FUZZ_CHECK(x.is_contiguous());
        const cawe::Safetensors one{{{"x", x}}, {}};
        const std::string kept = cawe::to_safetensors(one);
        FUZZ_CHECK(cawe::parse_safetensors(kept.data(), kept.size(), name).tensors.at("x").shape() ==
                   x.shape());
      }
    } catch (const cawe::Error& error) {
      if (error.code() != cawe::Code::unsupported) throw;  // a build without libzip
    }
  });
  cawe::fuzz::expect_result_or_data_error([&] {
    size_t at = 0;
    const cawe::pickle::Document document = cawe::pickle::read(bytes.data(), bytes.size(), &at, "f.pkl");
    FUZZ_CHECK(document.root != nullptr && at <= bytes.size());
  });
  return 0;
}
