// SPDX-License-Identifier: Apache-2.0
// cawe recipe: what keys there are, and what a recipe says.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "apps/commands.h"
#include "data/formats/json/writer.h"
#include "tensor/error.h"
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

void write(data::JsonWriter* json, const Value& value) {
  if (const auto* words = std::get_if<train::Strings>(&value)) {
    json->array();
    for (const std::string& w : *words) json->value(w);
    json->end();
  } else if (const auto* numbers = std::get_if<train::Numbers>(&value)) {
    json->array();
    for (const double n : *numbers) json->value(n);
    json->end();
  } else {
    std::visit(
        [json](const auto& v) {
          using T = std::decay_t<decltype(v)>;
          if constexpr (!std::is_same_v<T, train::Strings> && !std::is_same_v<T, train::Numbers>)
            json->value(v);
        },
        value);
  }
}

void write(data::JsonWriter* json, const Key& key, TaskBits bits) {
  static const char* const types[] = {"flag", "whole", "number", "word", "words", "numbers"};
  json->object().field("name", key.name).field("type", types[size_t(key.type)]).field("group", key.group);
  json->field("unit", key.unit).field("help", key.help).field("paper", key.paper).field("open", key.open);
  json->field("counts", train::condition_text(key, bits)).key("tasks").object();
  for (const train::RecipeTask& task : train::recipe_tasks()) {
    const train::Rule* rule = (task.bit & bits) != 0 ? key.rule(task.bit) : nullptr;
    if (rule == nullptr) continue;
    json->key(task.name).object().key("default");
    if (rule->value)
      write(json, *rule->value);
    else
      json->null();
    json->field("default_text", train::default_text(*rule)).field("bounds", rule->bounds(key.type));
    json->field("needed", rule->needed).end();
  }
  json->end().end();
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
  data::JsonWriter json;
  json.object().key("keys").array();
  for (const Key* key : keys) write(&json, *key, bits);
  json.end().end();
  std::printf("%s\n", json.text().c_str());
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
  const Recipe recipe = Recipe::read(o.recipe, o.task.empty() ? "classifier" : o.task, o.set);
  const std::vector<Said> all = said_by(recipe);
  if (!common.json) {
    for (const Said& s : all) {
      const std::string text = s.value ? s.name + " = " + train::toml_text(*s.value) : "# " + s.name;
      const std::string from = s.value ? s.origin : "not given: " + s.missing;
      std::printf("%-44s # %s%s\n", text.c_str(), from.c_str(),
                  s.idle.empty() ? "" : ("; says nothing: " + s.idle).c_str());
    }
    if (!common.quiet) warn(recipe);
    return;
  }
  data::JsonWriter json;
  json.object().field("recipe", o.recipe).field("task", recipe.task()).key("keys").array();
  for (const Said& s : all) {
    json.object().field("name", s.name).key("value");
    if (s.value)
      write(&json, *s.value);
    else
      json.null();
    json.field("from", s.value ? s.origin : "").field("missing", s.missing).field("idle", s.idle).end();
  }
  json.end().key("warnings").array();
  for (const train::RecipeWarning& w : recipe.warnings()) json.value(w.line);
  json.end().end();
  std::printf("%s\n", json.text().c_str());
}

train::Strings all_tasks() { return train::task_names(~TaskBits{0}); }

}  // namespace

void warn(const train::Recipe& recipe) {
  for (const train::RecipeWarning& w : recipe.warnings())
    std::fprintf(stderr, "cawe: warning: %s\n", w.line.c_str());
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
