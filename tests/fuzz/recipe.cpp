// SPDX-License-Identifier: Apache-2.0
// Recipes: what was understood is understood again from its resolved form.
#include "train/recipe.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cawe;
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    train::Recipe recipe = train::Recipe::parse(text, "fuzz");
    recipe.word("task", "none");
    recipe.whole("seed", 0, INT64_MIN, INT64_MAX);
    recipe.reals("train.milestones", {});
    const std::string resolved = recipe.resolved();
    train::Recipe again = train::Recipe::parse(resolved, "resolved");
    again.word("task", "");
    again.whole("seed", 0, INT64_MIN, INT64_MAX);
    again.reals("train.milestones", {});
    FUZZ_CHECK(again.resolved() == resolved);
  } catch (const Error& error) {
    if (error.code() != Code::usage) throw;
  }
  return 0;
}
