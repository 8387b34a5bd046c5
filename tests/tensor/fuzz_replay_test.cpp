// SPDX-License-Identifier: Apache-2.0
// Runs every corpus of tensor/io through its fuzz target, so that what fuzzing found once stays found.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tensor/io/files.h"

#define LLVMFuzzerTestOneInput fuzz_safetensors
#include "tests/fuzz/safetensors.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_npy
#include "tests/fuzz/npy.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_pth
#include "tests/fuzz/pth.cpp"
#undef LLVMFuzzerTestOneInput

namespace {

void replay(const std::string& name, int (*target)(const uint8_t*, size_t)) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator("tests/fuzz/corpus/" + name)) {
    const std::string bytes = cawe::read_file(entry.path().string());
    EXPECT_EQ(target(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()), 0) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 0);
}

TEST(FuzzReplay, Safetensors) { replay("safetensors", fuzz_safetensors); }
TEST(FuzzReplay, Npy) { replay("npy", fuzz_npy); }
TEST(FuzzReplay, Pth) { replay("pth", fuzz_pth); }

}  // namespace
