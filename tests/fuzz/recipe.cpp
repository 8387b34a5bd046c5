// SPDX-License-Identifier: Apache-2.0
// Recipes: what was understood is understood again from its resolved form.
#include "train/recipe.h"

#include <iterator>

#include "tests/fuzz/fuzz.h"

namespace {

/// The task that the text names, else one by its length: each has a table of its own to be checked by, which takes time.
std::string task_of(const std::string& text) {
  const std::string tasks[] = {"classifier", "faster_rcnn", "retinanet", "colorizer", "study"};
  for (const std::string& task : tasks)
    if (text.find('"' + task + '"') != text.npos) return task;
  return tasks[text.size() % std::size(tasks)];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cawe;
  const std::string text(reinterpret_cast<const char*>(data), size), task = task_of(text);
  try {
    const train::Recipe recipe = train::Recipe::parse(text, "fuzz", task);
    recipe.warnings();
    const std::string resolved = recipe.resolved();
    FUZZ_CHECK(train::Recipe::parse(resolved, "resolved", task).resolved() == resolved);
  } catch (const Error& error) {
    if (error.code() != Code::usage) throw;
  }
  try {  // the line of a --set
    train::Recipe(task).set({text});
  } catch (const Error& error) {
    if (error.code() != Code::usage) throw;
  }
  return 0;
}
