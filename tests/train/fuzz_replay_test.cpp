// SPDX-License-Identifier: Apache-2.0
// The corpora of checkpoints and recipes through their fuzz targets.
#include <gtest/gtest.h>

#include <filesystem>

#include "tensor/io/files.h"

#define LLVMFuzzerTestOneInput fuzz_checkpoint
#include "tests/fuzz/checkpoint.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_recipe
#include "tests/fuzz/recipe.cpp"
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

TEST(FuzzReplay, Checkpoint) { replay("checkpoint", fuzz_checkpoint); }
TEST(FuzzReplay, Recipe) { replay("recipe", fuzz_recipe); }

}  // namespace
