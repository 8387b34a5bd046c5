// SPDX-License-Identifier: Apache-2.0
#include "train/schema/schema.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "tensor/error.h"
#include "tensor/text.h"
#include "train/schema/table.h"

namespace cawe::train {
namespace {

const char* const kPhase = "phase.NAME.";

std::vector<Key> all_keys() {
  Table table;
  common_keys(table);
  data_keys(table);
  training_keys(table);
  model_keys(table);
  enhancement_keys(table);
  colorizer_keys(table);
  study_keys(table);
  return std::move(table.keys);
}

std::string section_of(const std::string& name) {
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

std::string last_of(const std::string& name) { return name.substr(name.rfind('.') + 1); }

std::string limit(Type type, double v) {
  return type == Type::whole ? std::to_string(int64_t(v)) : toml_text(v);
}

}  // namespace

const std::vector<RecipeTask>& recipe_tasks() {
  static const std::vector<RecipeTask> tasks{
      {kClassifier, "classifier", true}, {kFasterRcnn, "faster_rcnn", true},
      {kRetinaNet, "retinanet", true},   {kColorizer, "colorizer", true},
      {kStudy, "study", true},           {kEnhance, "enhance", false},
      {kFilms, "films", false}};
  return tasks;
}

TaskBits task_bit(const std::string& name) {
  for (const RecipeTask& task : recipe_tasks())
    if (task.name == name) return task.bit;
  return 0;
}

Strings task_names(TaskBits bits) {
  Strings names;
  for (const RecipeTask& task : recipe_tasks())
    if ((task.bit & bits) != 0) names.push_back(task.name);
  return names;
}

const char* describe(Type type) {
  switch (type) {
    case Type::flag:
      return "true or false";
    case Type::whole:
      return "a whole number";
    case Type::number:
      return "a number";
    case Type::word:
      return "a word in quotes";
    case Type::words:
      return "a list of words";
    case Type::numbers:
      return "a list of numbers";
  }
  return "";
}

std::string Rule::bounds(Type type) const {
  if (choices) return "one of " + joined(choices());
  const bool list = type == Type::words || type == Type::numbers;
  std::string text;
  if (std::isfinite(low)) {
    const bool open = !(high < 9e18);  // the largest whole number bounds nothing
    if (above)
      text = "above " + limit(type, low) + (open ? "" : ", up to " + limit(type, high));
    else
      text = limit(type, low) + (open ? " or more" : " to " + limit(type, high));
  }
  if (multiple > 1) text += ", a multiple of " + std::to_string(multiple);
  if (list && (fewest > 0 || most < SIZE_MAX)) {
    if (!text.empty()) text = ", each " + text;
    text = (fewest == most    ? std::to_string(fewest)
            : most < SIZE_MAX ? std::to_string(fewest) + " to " + std::to_string(most)
                              : std::to_string(fewest) + " or more") +
           " of them" + text;
  }
  return text;
}

TaskBits Key::tasks() const {
  TaskBits bits = 0;
  for (const Rule& r : rules) bits |= r.tasks;
  return bits;
}

const Rule* Key::rule(TaskBits task) const {
  for (const Rule& r : rules)
    if ((r.tasks & task) != 0) return &r;
  return nullptr;
}

const std::vector<Key>& schema() {
  static const std::vector<Key> keys = all_keys();
  return keys;
}

std::string phase_of(const std::string& name) {
  const size_t dot = name.rfind('.');
  return name.rfind("phase.", 0) == 0 && dot > 6 ? name.substr(6, dot - 6) : "";
}

std::string in_phase_of(const std::string& key, const std::string& name) {
  return key.rfind(kPhase, 0) == 0 ? "phase." + phase_of(name) + key.substr(std::string(kPhase).size() - 1)
                                   : key;
}

const Key* find_key(const std::string& name) {
  static const std::map<std::string, const Key*> by_name = [] {
    std::map<std::string, const Key*> all;
    for (const Key& key : schema())
      CAWE_CHECK(all.emplace(key.name, &key).second, Code::internal, "schema: ", key.name,
                 " is in the table twice");
    return all;
  }();
  const auto found = by_name.find(phase_of(name).empty() ? name : kPhase + last_of(name));
  return found == by_name.end() ? nullptr : found->second;
}

Strings key_names(TaskBits task, const Strings& phases) {
  Strings names;
  for (const Key& key : schema()) {
    if (key.rule(task) == nullptr) continue;
    if (key.name.rfind(kPhase, 0) != 0)
      names.push_back(key.name);
    else
      for (const std::string& phase : phases) names.push_back("phase." + phase + "." + last_of(key.name));
  }
  return names;
}

std::string nearest_key(const std::string& name, const Strings& candidates) {
  const std::string near = nearest_name(name, candidates);
  // A key of that very name in another section says more than a likeness of letters, unless it is a letter.
  Strings namesakes;
  for (const std::string& c : candidates)
    if (last_of(c) == last_of(name)) namesakes.push_back(c);
  if (namesakes.empty()) {
    if (!near.empty()) return near;
    Strings lasts;
    for (const std::string& c : candidates) lasts.push_back(last_of(c));
    const std::string last = nearest_name(last_of(name), lasts);
    for (const std::string& c : candidates)
      if (!last.empty() && last_of(c) == last) return c;
    return "";
  }
  Strings sections;
  for (const std::string& c : namesakes) sections.push_back(section_of(c));
  const std::string section = nearest_name(section_of(name), sections);
  for (const std::string& c : namesakes)
    if (section_of(c) == section) return c;
  return namesakes.front();
}

}  // namespace cawe::train
