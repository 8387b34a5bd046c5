// SPDX-License-Identifier: Apache-2.0
#include "train/schema/describe.h"

#include <utility>
#include <vector>

namespace cawe::train {
namespace {

constexpr TaskBits kAll = ~TaskBits{0};

/// A text for each rule of the key, by its tasks; one text where all say the same.
std::string by_tasks(const Key& key, TaskBits bits, const std::function<std::string(const Rule&)>& say) {
  std::vector<std::pair<TaskBits, std::string>> parts;
  for (const Rule& rule : key.rules) {
    if ((rule.tasks & bits) == 0) continue;
    const std::string text = say(rule);
    bool known = false;
    for (auto& [tasks, other] : parts)
      if (other == text) {
        tasks |= rule.tasks & bits;
        known = true;
      }
    if (!known) parts.emplace_back(rule.tasks & bits, text);
  }
  if (parts.size() == 1) return parts[0].second;
  std::string out;
  for (const auto& [tasks, text] : parts)
    out += (out.empty() ? "" : ", ") + text + " (" + tasks_text(tasks) + ")";
  return out;
}

const char* short_name(Type type) {
  switch (type) {
    case Type::flag:
      return "true, false";
    case Type::whole:
      return "whole number";
    case Type::number:
      return "number";
    case Type::word:
      return "word";
    case Type::words:
      return "words";
    case Type::numbers:
      return "numbers";
  }
  return "";
}

/// A table's cell: no bars, no line ends.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string sentence(const std::string& text) {
  return text.empty() || text.back() == '.' ? text : text + ".";
}

std::string row_of(const Key& key) {
  const std::string condition = condition_text(key, kAll);
  std::string meaning = key.help;
  if (!condition.empty()) meaning = sentence(meaning) + " Counts " + condition;
  std::string paper;
  if (!key.paper.empty()) paper = "stated: " + key.paper;
  if (!key.open.empty()) paper += (paper.empty() ? "open: " : "; open: ") + key.open;
  return "| `" + key.name + "` | " + cell(defaults_text(key, kAll)) + " | " + cell(values_text(key, kAll)) +
         " | " + tasks_text(key.tasks()) + " | " + cell(meaning) + " | " + cell(paper) + " |\n";
}

}  // namespace

std::string tasks_text(TaskBits bits) {
  if ((bits & kTrained) == kTrained) return (bits & kStudy) != 0 ? "all, study" : "all";
  Strings names;
  for (const std::string& name : task_names(bits & (kTrained | kStudy))) {
    const bool detector = (task_bit(name) & kDetectors) != 0 && (bits & kDetectors) == kDetectors;
    if (!detector)
      names.push_back(name);
    else if (task_bit(name) == kFasterRcnn)
      names.push_back("detectors");
  }
  if (names.empty()) names = task_names(bits);
  return joined(names);
}

std::string default_text(const Rule& rule) {
  if (rule.value) return toml_text(*rule.value);
  return rule.needed ? "needed: " + rule.words : rule.words;
}

std::string defaults_text(const Key& key, TaskBits bits) {
  return by_tasks(key, bits, [](const Rule& rule) { return default_text(rule); });
}

std::string values_text(const Key& key, TaskBits bits) {
  std::string text = by_tasks(key, bits, [&](const Rule& rule) {
    const std::string bounds = rule.bounds(key.type), name = short_name(key.type);
    if (rule.choices && key.type != Type::words) return bounds;
    return bounds.empty() ? name : name + ", " + bounds;
  });
  return key.unit.empty() ? text : text + "; " + key.unit;
}

std::string condition_text(const Key& key, TaskBits bits) {
  std::string text;
  for (const Only& only : key.only) {
    if ((only.tasks & bits & key.tasks()) == 0) continue;
    std::string part;
    switch (only.test) {
      case Only::Test::one_of:
        part = "only with " + only.key + " = " + joined(only.values());
        break;
      case Only::Test::none_of: {
        const std::string values = joined(only.values());
        part = "unless " + only.key + " = " + (values.empty() ? "\"\"" : values);
        break;
      }
      case Only::Test::given:
        continue;  // says only what the resolved recipe holds
      case Only::Test::absent:
        part = "only without " + only.key;
        break;
    }
    text += (text.empty() ? "" : ", ") + part;
  }
  return text;
}

std::string schema_markdown() {
  std::string out, group;
  for (const Key& key : schema()) {
    if (key.group != group) {
      group = key.group;
      out += (out.empty() ? "### " : "\n### ") + group +
             "\n| key | default | values | of | meaning | the paper |\n|---|---|---|---|---|---|\n";
    }
    out += row_of(key);
  }
  return out;
}

}  // namespace cawe::train
