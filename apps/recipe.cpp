// SPDX-License-Identifier: Apache-2.0
// cawe recipe: what keys there are, and what a recipe says.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/outputs.h"
#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"
#include "tensor/text.h"
#include "train/recipe.h"
#include "train/schema/describe.h"

namespace cawe::apps {
namespace {

using train::Key;
using train::Recipe;
using train::TaskBits;
using train::Value;

struct Options {
  std::string prefix, recipe, task;
  std::vector<std::string> set;
  bool markdown = false;
};

Json json_of(const Value& value) {
  return std::visit([](const auto& v) { return Json(v); }, value);
}

Json json_of(const Key& key, TaskBits bits) {
  static const char* const types[] = {"flag", "whole", "number", "word", "words", "numbers"};
  Json tasks = Json::object();
  for (const train::RecipeTask& task : train::recipe_tasks()) {
    const train::Rule* rule = (task.bit & bits) != 0 ? key.rule(task.bit) : nullptr;
    if (rule == nullptr) continue;
    tasks[task.name] = {{"default", rule->value ? json_of(*rule->value) : Json(nullptr)},
                        {"default_text", train::default_text(*rule)},
                        {"bounds", rule->bounds(key.type)},
                        {"needed", rule->needed}};
  }
  return {{"name", key.name},   {"type", types[size_t(key.type)]},
          {"group", key.group}, {"unit", key.unit},
          {"help", key.help},   {"paper", key.paper},
          {"open", key.open},   {"counts", train::condition_text(key, bits)},
          {"tasks", tasks}};
}

void print(const Key& key, TaskBits bits) {
  std::printf("%s = %s\n    %s. Of %s.\n", key.name.c_str(), train::defaults_text(key, bits).c_str(),
              train::values_text(key, bits).c_str(), train::tasks_text(key.tasks() & bits).c_str());
  const std::string condition = train::condition_text(key, bits);
  std::printf("    %s%s\n", key.help.c_str(), condition.empty() ? "" : (". Counts " + condition).c_str());
  if (!key.paper.empty()) std::printf("    The paper: %s\n", key.paper.c_str());
  if (!key.open.empty()) std::printf("    The paper leaves open: %s\n", key.open.c_str());
}

void run_keys(Common& common, const Options& o) {
  if (o.markdown) {
    std::fputs(train::schema_markdown().c_str(), stdout);
    return;
  }
  const TaskBits bits = o.task.empty() ? ~TaskBits{0} : train::task_bit(o.task);
  std::vector<const Key*> keys;
  train::Strings names;
  for (const Key& key : train::schema()) {
    if ((key.tasks() & bits) == 0) continue;
    names.push_back(key.name);
    names.push_back(key.name.substr(0, key.name.find('.')) + ".");
    if (key.name.rfind(o.prefix, 0) == 0) keys.push_back(&key);
  }
  const std::string near = nearest_name(o.prefix, names);
  CAWE_CHECK(!keys.empty(), Code::usage, "no key", o.task.empty() ? "" : " of " + o.task, " begins with \"",
             o.prefix, "\"", near.empty() ? "" : " (did you mean " + near + "?)");
  if (!common.json) {
    for (const Key* key : keys) print(*key, bits);
    return;
  }
  Json list = Json::array();
  for (const Key* key : keys) list.push_back(json_of(*key, bits));
  print_json({{"keys", list}});
}

/// What a recipe says of one key, or does not.
struct Said {
  std::string name, origin, idle, missing;  ///< missing: what is known of a value that is not there yet
  std::optional<Value> value;
};

std::vector<Said> said_by(const Recipe& recipe) {
  std::vector<Said> all;
  for (const std::string& name : recipe.keys()) {
    if (!recipe.has(name) && !recipe.exists(name)) continue;
    Said said{name, recipe.origin(name), recipe.idle(name), "", recipe.value(name)};
    const train::Rule& rule = *train::find_key(name)->rule(train::task_bit(recipe.task()));
    if (!said.value) said.missing = train::default_text(rule);
    all.push_back(said);
  }
  return all;
}

void run_explain(Common& common, const Options& o) {
  check_names(common.words);
  const Recipe recipe = Recipe::read(o.recipe, o.task.empty() ? "classifier" : o.task, o.set);
  const std::vector<Said> all = said_by(recipe);
  if (!common.json) {
    for (const Said& s : all) {
      const std::string text = s.value ? s.name + " = " + train::toml_text(*s.value) : "# " + s.name;
      const std::string from = s.value ? s.origin : "not given: " + s.missing;
      print_lines(printf_text("%-44s # %s%s", text.c_str(), from.c_str(),
                              s.idle.empty() ? "" : ("; says nothing: " + s.idle).c_str()));
    }
    if (!common.quiet) warn(recipe);
    return;
  }
  Json keys = Json::array(), warnings = Json::array();
  for (const Said& s : all)
    keys.push_back({{"name", s.name},
                    {"value", s.value ? json_of(*s.value) : Json(nullptr)},
                    {"from", s.value ? s.origin : ""},
                    {"missing", s.missing},
                    {"idle", s.idle}});
  for (const train::RecipeWarning& w : recipe.warnings()) warnings.push_back(w.line);
  print_json({{"recipe", o.recipe}, {"task", recipe.task()}, {"keys", keys}, {"warnings", warnings}});
}

train::Strings all_tasks() { return train::task_names(~TaskBits{0}); }

}  // namespace

void warn(const train::Recipe& recipe) {
  for (const train::RecipeWarning& w : recipe.warnings()) warning(w.line);
}

void add_recipe(CLI::App& app, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* recipe = app.add_subcommand("recipe", "What keys recipes have, and what a recipe says.");
  recipe->require_subcommand(1);
  recipe->footer("Example:\n  cawe recipe keys train. --task retinanet");
  CLI::App* keys = add_command(*recipe, common, "keys", "Every key: default, bounds, unit, tasks, meaning.",
                               "cawe recipe keys train. --task retinanet");
  keys->add_option("prefix", o->prefix, "how the keys begin, such as rpn. or train.lr (default: all)");
  keys->add_option("--task", o->task, "the keys of one task")->check(CLI::IsMember(all_tasks()));
  keys->add_flag("--markdown", o->markdown, "as docs/recipes.md has them");
  keys->callback([&common, o] { run_keys(common, *o); });
  CLI::App* explain =
      add_command(*recipe, common, "explain", "Every key of a recipe: its value and where that came from.",
                  "cawe recipe explain recipes/demo/retinanet.toml --set enhance.method=clahe");
  explain->add_option("recipe", o->recipe, "TOML file, such as a run's recipe.toml")->required();
  explain->add_option("--set", o->set, "key=value, over the recipe; may be repeated")
      ->allow_extra_args(false);
  explain->add_option("--task", o->task, "what it is for where it does not say (default classifier)")
      ->check(CLI::IsMember(all_tasks()));
  explain->callback([&common, o] { run_explain(common, *o); });
}

}  // namespace cawe::apps
