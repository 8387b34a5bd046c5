// SPDX-License-Identifier: Apache-2.0
// The table of keys against itself, the recipes of the tree and docs/recipes.md: whatever row is added, these
// tests look at it.
#include "train/schema/schema.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "tensor/error.h"
#include "tensor/io/files.h"
#include "train/recipe.h"
#include "train/schema/describe.h"

namespace cawe::train {
namespace {

const char* const kPhase = "a";

/// Tasks that a recipe file may be of.
Strings tasks() {
  Strings names;
  for (const RecipeTask& task : recipe_tasks())
    if (task.in_recipes) names.push_back(task.name);
  return names;
}

/// What a recipe needs so that this key may be in it.
std::string around(const std::string& name, const std::string& task) {
  std::string text = task == "colorizer" && name != "phases" ? "phases = [\"a\"]\n" : "";
  for (const Only& only : find_key(name)->only)
    if (only.elsewhere == Elsewhere::refused) text += only.key + " = \"" + only.values().front() + "\"\n";
  return text;
}

Recipe recipe_with(const std::string& name, const std::string& value, const std::string& task) {
  return Recipe::parse(around(name, task) + name + " = " + value + "\n", "r.toml", task);
}

/// A value that the key may have: its default, or where there is none something of its type.
std::string good_value(const std::string& name, const std::string& task) {
  const Recipe recipe = Recipe::parse(around(name, task), "r.toml", task);
  if (const auto otherwise = recipe.otherwise(name)) return toml_text(*otherwise);
  const Key& key = *find_key(name);
  const Rule& rule = *key.rule(task_bit(task));
  if (rule.choices) return toml_text(rule.choices().front());
  switch (key.type) {
    case Type::flag:
      return "true";
    case Type::whole:
      return std::to_string(std::max<int64_t>(int64_t(rule.low), rule.multiple));
    case Type::number:
      return toml_text(std::isfinite(rule.low) ? rule.low : 1.0);
    case Type::word:
      return "\"x\"";
    case Type::words:
      return "[\"a\"]";
    case Type::numbers:
      return "[1.0]";
  }
  return "";
}

std::string refusal(const std::string& text, const std::string& task) {
  try {
    Recipe::parse(text, "r.toml", task);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::usage) << error.what();
    return error.what();
  }
  return "";
}

/// A test for each key of each task.
void for_each_key(const std::function<void(const std::string& name, const std::string& task)>& test) {
  int count = 0;
  for (const std::string& task : tasks())
    for (const std::string& name : key_names(task_bit(task), {kPhase})) {
      SCOPED_TRACE(task + " " + name);
      test(name, task);
      ++count;
    }
  EXPECT_GT(count, 500);
}

TEST(Schema, EveryKeyOfEveryTaskIsAccepted) {
  for_each_key([](const std::string& name, const std::string& task) {
    if (name == "task") return;
    const Recipe recipe = recipe_with(name, good_value(name, task), task);
    EXPECT_TRUE(recipe.value(name).has_value());
    EXPECT_EQ(recipe.origin(name).substr(0, 7), "r.toml:");
    const std::string last = name.substr(name.rfind('.') + 1);
    EXPECT_NE(("\n" + recipe.resolved()).find("\n" + last + " = "), std::string::npos);
    // The same as an assignment, and taken away again.
    const std::string value = good_value(name, task);
    Recipe assigned = Recipe::parse(around(name, task), "r.toml", task, {name + "=" + value});
    EXPECT_EQ(toml_text(*assigned.value(name)), toml_text(*recipe.value(name)));
    assigned.set({name + "="});
    EXPECT_EQ(assigned.origin(name), "default");
  });
}

TEST(Schema, EveryKeyRefusesAnotherTypeAndWhatIsOutOfBounds) {
  for_each_key([](const std::string& name, const std::string& task) {
    const Key& key = *find_key(name);
    const Rule& rule = *key.rule(task_bit(task));
    const auto refused = [&](const std::string& value) {
      const std::string text = refusal(around(name, task) + name + " = " + value + "\n", task);
      EXPECT_NE(text.find(name), std::string::npos) << value;
      EXPECT_NE(text.find("expected"), std::string::npos) << value << ": " << text;
    };
    const bool list = key.type == Type::words || key.type == Type::numbers;
    const auto as_given = [&](const std::string& item) { return list ? "[" + item + "]" : item; };
    refused("1979-05-27");
    refused(key.type == Type::flag ? "3" : list ? "true" : "[[1]]");
    refused(key.type == Type::word || key.type == Type::words ? as_given("3") : as_given("\"x\""));
    if (rule.choices) refused(as_given(key.type == Type::whole ? "3000001" : "\"no such choice\""));
    if (std::isfinite(rule.low)) refused(as_given(std::to_string(int64_t(rule.low) - 1)));
    if (rule.above) refused(as_given(toml_text(rule.low)));
    if (rule.high < 9e15) refused(as_given(std::to_string(int64_t(rule.high) + 1)));
    if (rule.multiple > 1) refused(as_given(std::to_string(int64_t(rule.low) + 1)));
    if (rule.fewest > 0) refused("[]");
  });
}

TEST(Schema, MisspeltAndMisplacedKeysGetTheNearest) {
  for_each_key([](const std::string& name, const std::string& task) {
    const size_t dot = name.rfind('.') + 1, middle = dot + (name.size() - dot) / 2;
    std::string misspelt = name;
    misspelt.insert(middle, 1, name[middle]);
    if (find_key(misspelt) == nullptr) {
      const std::string text = refusal(around(name, task) + misspelt + " = 1\n", task);
      EXPECT_NE(text.find("did you mean " + name + "?"), std::string::npos) << text;
    }
    const std::string last = name.substr(dot), misplaced = "elsewhere." + last;
    const std::string text = refusal(around(name, task) + misplaced + " = 1\n", task);
    EXPECT_NE(text.find(misplaced + " is not a key"), std::string::npos) << text;
    EXPECT_TRUE(text.find("." + last + "?") != std::string::npos ||
                text.find(" " + last + "?") != std::string::npos)
        << text;
  });
}

TEST(Schema, KeysOfOtherTasksSayWhose) {
  int count = 0;
  for (const Key& key : schema())
    for (const std::string& task : tasks()) {
      if (key.rule(task_bit(task)) != nullptr || key.name.rfind("phase.", 0) == 0) continue;
      const std::string text = refusal(key.name + " = 1\n", task);
      EXPECT_NE(text.find(key.name + " is a key of " + joined(task_names(key.tasks()))), std::string::npos)
          << task << ": " << text;
      ++count;
    }
  EXPECT_GT(count, 300);
}

TEST(Schema, EveryRowIsWhole) {
  std::set<std::string> groups;
  std::string group;
  for (const Key& key : schema()) {
    SCOPED_TRACE(key.name);
    EXPECT_FALSE(key.help.empty());
    EXPECT_EQ(key.help.find('\n'), std::string::npos);
    EXPECT_FALSE(key.rules.empty());
    const bool next = key.group != group;
    EXPECT_TRUE(!next || groups.insert(key.group).second) << "its group is in two places";
    group = key.group;
    TaskBits seen = 0;
    for (const Rule& rule : key.rules) {
      EXPECT_EQ(seen & rule.tasks, 0u) << "two rules for one task";
      seen |= rule.tasks;
      EXPECT_TRUE(rule.value.has_value() != bool(rule.computed));
      EXPECT_TRUE(rule.value || !rule.words.empty());
    }
    for (const Only& only : key.only) {
      const std::string other =
          only.key.rfind("phase.*.", 0) == 0 ? "phase.NAME." + only.key.substr(8) : only.key;
      ASSERT_NE(find_key(other), nullptr) << only.key;
      // A condition on a choice names choices.
      const Rule& rule = find_key(other)->rules.front();
      if (rule.choices && only.values)
        for (const std::string& value : only.values()) {
          const Strings choices = rule.choices();
          EXPECT_NE(std::find(choices.begin(), choices.end(), value), choices.end()) << value;
        }
    }
  }
}

TEST(Schema, KeysSayWhatAResumeComparesOfThem) {
  std::set<std::string> files, idle;
  for (const Key& key : schema()) {
    if (key.names_file) files.insert(key.name);
    if (!key.decides_result) idle.insert(key.name);
    EXPECT_TRUE(!key.names_file || key.type == Type::word) << key.name;
  }
  EXPECT_EQ(idle, (std::set<std::string>{"data.workers", "title", "train.checkpoint_every", "train.keep",
                                         "train.log_every"}));
  // A recipe, weights, or a folder or table of [data]: what is in it is hashed or compared itself.
  EXPECT_EQ(files, (std::set<std::string>{"classifier",       "colorizer",          "colorizer_pretrain",
                                          "data.annotations", "data.boxes",         "data.classes_csv",
                                          "data.groups",      "data.images",        "data.labels_csv",
                                          "data.mapping",     "data.root",          "data.split_file",
                                          "data.test_csv",    "enhance.classifier", "enhance.colorizer",
                                          "faster_rcnn",      "gan.phi_init",       "init",
                                          "pretrain",         "retinanet"}));
}

TEST(Schema, EveryRecipeOfTheTreeIsUnderstood) {
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("recipes")) {
    if (entry.path().extension() != ".toml") continue;
    const std::string path = entry.path().string();
    EXPECT_NO_THROW(Recipe::read(path, "films")) << path;
    ++count;
  }
  EXPECT_GT(count, 25);
}

TEST(Schema, DocumentationIsMadeFromIt) {
  const std::string page = read_file("docs/recipes.md");
  EXPECT_NE(page.find(schema_markdown()), std::string::npos)
      << "docs/recipes.md is stale: scripts/recipe-docs writes its tables anew";
  for (const Key& key : schema())
    EXPECT_NE(page.find("| `" + key.name + "` |"), std::string::npos) << key.name;
}

}  // namespace
}  // namespace cawe::train
