// SPDX-License-Identifier: Apache-2.0
// Recipes as text: the TOML file, and "key=value" as people write it on a command line.
#ifdef CAWE_HAVE_TOML
#include <toml++/toml.h>

#endif

#include <filesystem>

#include "tensor/denormals.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/text.h"
#include "train/recipe.h"
#include "train/toml_limits.h"

namespace cawe::train {

Recipe Recipe::read(const std::string& path, const std::string& task, const Strings& assignments) {
  CAWE_CHECK(std::filesystem::is_regular_file(path), Code::usage, path,
             ": no such recipe (expected a TOML file)");
  return parse(read_file(path, kMostTomlBytes), path, task, assignments);
}

#ifndef CAWE_HAVE_TOML
void Recipe::add_text(const std::string& text, const std::string& source) {
  const KeepDenormals exact;  // of what is written, whatever the program computes with
  CAWE_CHECK(text.empty(), Code::unsupported, source,
             ": this build cannot read recipes (install libtomlplusplus-dev and build again)");
}
void Recipe::assign(const std::string& assignment, const std::string& origin, Strings*) {
  add_text(assignment, origin);
}
#else
namespace {

/// Arrays hold words or numbers. An empty one is both; it is kept as words.
std::optional<Value> array_value(const toml::array& array) {
  Strings words;
  Numbers numbers;
  for (const toml::node& node : array) {
    if (node.is_string())
      words.push_back(**node.as_string());
    else if (node.is_integer())  // value<double>() is nothing for one that a double cannot hold
      numbers.push_back(double(**node.as_integer()));
    else if (node.is_floating_point())
      numbers.push_back(**node.as_floating_point());
    else
      return std::nullopt;
  }
  if (!words.empty() && !numbers.empty()) return std::nullopt;
  return numbers.empty() ? Value(words) : Value(numbers);
}

/// Nothing for a date.
std::optional<Value> scalar_value(const toml::node& node) {
  if (node.is_boolean()) return Value(**node.as_boolean());
  if (node.is_integer()) return Value(int64_t(**node.as_integer()));
  if (node.is_floating_point()) return Value(**node.as_floating_point());
  if (node.is_string()) return Value(std::string(**node.as_string()));
  return std::nullopt;
}

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

std::string without_quotes(const std::string& text) {
  const bool in_quotes = text.size() > 1 && (text[0] == '"' || text[0] == '\'') && text.back() == text[0];
  return in_quotes ? text.substr(1, text.size() - 2) : text;
}

/// "a, b" or "[a, b]", its words quoted or not.
Strings plain_words(std::string text) {
  if (text.size() > 1 && text[0] == '[' && text.back() == ']')
    text = trimmed(text.substr(1, text.size() - 2));
  Strings words;
  std::string word;
  char open = 0;
  for (const char c : text) {
    if (c == ',' && open == 0) {
      words.push_back(without_quotes(trimmed(word)));
      word.clear();
      continue;
    }
    if (open == 0 && (c == '"' || c == '\''))
      open = c;
    else if (c == open)
      open = 0;
    word += c;
  }
  if (!trimmed(word).empty()) words.push_back(without_quotes(trimmed(word)));
  return words;
}

/// The value that TOML reads, or nothing.
std::optional<Value> toml_value(const std::string& text) {
  if (!toml_excess(text).empty()) return std::nullopt;
  try {
    const toml::table table = toml::parse("v = " + text);
    if (table.size() != 1) return std::nullopt;
    const toml::node& node = *table.get("v");
    return node.is_array() ? array_value(*node.as_array()) : scalar_value(node);
  } catch (const toml::parse_error&) {
    return std::nullopt;
  }
}

/// What a person means by `text` for a key of this type; where that is not to be told, the text itself, which
/// check() then refuses by the key's name.
Value meant(const std::string& text, Type type) {
  const KeepDenormals exact;
  const bool in_quotes = text[0] == '"' || text[0] == '\'';
  if (type == Type::word && !in_quotes) return text;
  std::optional<Value> value = toml_value(text);
  if (!value && type == Type::numbers) value = toml_value("[" + text + "]");
  if (type == Type::numbers && value && !std::holds_alternative<Strings>(*value) &&
      !std::holds_alternative<Numbers>(*value))
    value = toml_value("[" + text + "]");  // one number
  // Numbers are words here, as they are written: data.test_folds=[0].
  if (type == Type::words && !(value && std::holds_alternative<Strings>(*value))) return plain_words(text);
  return value ? *value : Value(text);
}

}  // namespace

void Recipe::add_text(const std::string& text, const std::string& source) {
  const KeepDenormals exact;  // of what is written, whatever the program computes with
  const Code wrong = of_checkpoint_ ? Code::data : Code::usage;
  const std::string excess = toml_excess(text);
  CAWE_CHECK(excess.empty(), wrong, source, excess);
  toml::table table;
  try {
    table = toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    fail(wrong, source, ":", error.source().begin.line, ": not TOML: ", error.description());
  }
  const auto add = [&](const auto& self, const toml::table& from, const std::string& prefix) -> void {
    for (const auto& [name, node] : from) {
      const std::string key = prefix + std::string(name.str());
      if (const toml::table* inner = node.as_table()) {
        self(self, *inner, key + ".");
        continue;
      }
      const int line = int(node.source().begin.line);
      const std::string origin = source + ":" + std::to_string(line);
      const toml::array* array = node.as_array();
      const std::optional<Value> value = array != nullptr ? array_value(*array) : scalar_value(node);
      CAWE_CHECK(value, wrong, origin, ": ", key,
                 array != nullptr ? " (expected a list of words or of numbers)"
                                  : " is a date (expected a word, a number, true, false or a list)");
      entries_[key] = Entry{*value, Giver::person, origin, line};
    }
  };
  add(add, table, "");
}

void Recipe::assign(const std::string& assignment, const std::string& origin, Strings* removed) {
  const size_t equals = assignment.find('=');
  CAWE_CHECK(equals != std::string::npos && equals > 0, Code::usage, origin, " ", assignment,
             " (expected key=value)");
  const std::string name = trimmed(assignment.substr(0, equals)),
                    text = trimmed(assignment.substr(equals + 1));
  CAWE_CHECK(is_utf8(text), Code::usage, origin, ": ", name, " is no text (expected UTF-8)");
  const Key* key = find_key(name);
  if (text.empty() && key != nullptr) {
    entries_.erase(name);
    removed->push_back(name);
    return;
  }
  entries_[name] = Entry{meant(text.empty() ? "''" : text, key == nullptr ? Type::word : key->type),
                         Giver::person, origin, 0};
}
#endif

}  // namespace cawe::train
