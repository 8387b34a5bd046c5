// SPDX-License-Identifier: Apache-2.0
#include "train/recipe.h"

#ifdef CAWE_HAVE_TOML
#include <toml++/toml.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "tensor/error.h"
#include "tensor/io/atomic_file.h"
#include "tensor/io/header_json.h"
#include "tensor/text.h"

namespace cawe::train {
namespace {

std::string number_text(double v) {
  char text[40];
  // The shortest form that reads back as the same number.
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, v);
    if (std::strtod(text, nullptr) == v) break;  // stod throws for tiny and rounded-up numbers
  }
  const std::string out(text);
  return out.find_first_of(".en") == std::string::npos ? out + ".0" : out;
}

struct ToToml {
  std::string operator()(bool v) const { return v ? "true" : "false"; }
  std::string operator()(int64_t v) const { return std::to_string(v); }
  std::string operator()(double v) const { return number_text(v); }
  std::string operator()(const std::string& v) const { return quoted(v); }
  std::string operator()(const Strings& v) const {
    std::string out;
    for (const std::string& s : v) out += (out.empty() ? "" : ", ") + quoted(s);
    return "[" + out + "]";
  }
  std::string operator()(const Numbers& v) const {
    std::string out;
    for (const double x : v) out += (out.empty() ? "" : ", ") + number_text(x);
    return "[" + out + "]";
  }
};

}  // namespace

#ifndef CAWE_HAVE_TOML
void Recipe::add_text(const std::string&, const std::string& source) {
  fail(Code::unsupported, source,
       ": this build cannot read recipes (install libtomlplusplus-dev and build again)");
}
#else
namespace {

/// Arrays hold words or numbers. An empty one is both; it is kept as words.
bool array_values(const toml::array& array, Strings* words, Numbers* numbers) {
  for (const toml::node& node : array) {
    if (node.is_string()) {
      words->push_back(**node.as_string());
    } else if (node.is_number()) {
      numbers->push_back(*node.value<double>());
    } else {
      return false;
    }
  }
  return words->empty() || numbers->empty();
}

}  // namespace

void Recipe::add_text(const std::string& text, const std::string& source) {
  toml::table table;
  try {
    table = toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    fail(Code::usage, source, ":", error.source().begin.line, ": not TOML: ", error.description());
  }
  const auto add = [&](const auto& self, const toml::table& from, const std::string& prefix) -> void {
    for (const auto& [name, node] : from) {
      const std::string key = prefix + std::string(name.str());
      const int line = int(node.source().begin.line);
      if (const toml::table* inner = node.as_table()) {
        self(self, *inner, key + ".");
      } else if (const toml::array* array = node.as_array()) {
        Strings words;
        Numbers numbers;
        CAWE_CHECK(array_values(*array, &words, &numbers), Code::usage, source, ":", line, ": ", key,
                   " (expected a list of words or of numbers)");
        values_[key] = numbers.empty() ? Entry{Value(words), line} : Entry{Value(numbers), line};
      } else if (node.is_boolean()) {
        values_[key] = {Value(**node.as_boolean()), line};
      } else if (node.is_integer()) {
        values_[key] = {Value(int64_t(**node.as_integer())), line};
      } else if (node.is_floating_point()) {
        values_[key] = {Value(**node.as_floating_point()), line};
      } else if (node.is_string()) {
        values_[key] = {Value(std::string(**node.as_string())), line};
      } else {
        fail(Code::usage, source, ":", line, ": ", key,
             " is a date (expected a word, a number, true, false or a list)");
      }
    }
  };
  add(add, table, "");
}
#endif

Recipe Recipe::read(const std::string& path) {
  CAWE_CHECK(std::filesystem::is_regular_file(path), Code::usage, path,
             ": no such recipe (expected a TOML file)");
  return parse(read_file(path, 1 << 20), path);
}

Recipe Recipe::parse(const std::string& text, const std::string& source) {
  Recipe recipe;
  recipe.source_ = source;
  recipe.add_text(text, source);
  return recipe;
}

void Recipe::set(const std::string& assignment) {
  const size_t equals = assignment.find('=');
  CAWE_CHECK(equals != std::string::npos && equals > 0, Code::usage, "--set ", assignment,
             " (expected key=value)");
  const std::string key = assignment.substr(0, equals), value = assignment.substr(equals + 1);
  const bool bare = value.find_first_of("\"'[{") == std::string::npos &&
                    value.find_first_not_of("0123456789.+-eE_") != std::string::npos && value != "true" &&
                    value != "false";
  add_text(key + " = " + (bare ? quoted(value) : value) + "\n", "--set " + key);
  values_[key].line = 0;
}

std::string Recipe::where(const std::string& key) const {
  const auto found = values_.find(key);
  const int line = found == values_.end() ? 0 : found->second.line;
  return source_ + (line > 0 ? ":" + std::to_string(line) : "") + ": " + key;
}

template <class T>
T Recipe::get(const std::string& key, const T& otherwise, const char* expected) {
  T value = otherwise;
  const auto found = values_.find(key);
  if (found != values_.end()) {
    const T* given = std::get_if<T>(&found->second.value);
    CAWE_CHECK(given != nullptr, Code::usage, where(key), " is ", std::visit(ToToml(), found->second.value),
               " (expected ", expected, ")");
    value = *given;
  }
  asked_[key] = Value(value);
  return value;
}

std::string Recipe::word(const std::string& key, const std::string& otherwise) {
  return get<std::string>(key, otherwise, "a word in quotes");
}

std::string Recipe::needed_word(const std::string& key, const std::string& what) {
  CAWE_CHECK(has(key), Code::usage, source_, ": ", key, " is missing (expected ", what, ")");
  return word(key, "");
}

std::string Recipe::choice(const std::string& key, const std::string& otherwise, const Strings& allowed) {
  const std::string value = word(key, otherwise);
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return value;
  const std::string near = nearest_name(value, allowed);
  std::string list;
  for (const std::string& a : allowed) list += (list.empty() ? "" : ", ") + a;
  fail(Code::usage, where(key), " is \"", value, "\" (expected one of ", list,
       near.empty() ? "" : "; did you mean ", near, near.empty() ? ")" : "?)");
}

int64_t Recipe::whole(const std::string& key, int64_t otherwise, int64_t low, int64_t high) {
  const int64_t value = get<int64_t>(key, otherwise, "a whole number");
  CAWE_CHECK(value >= low && value <= high, Code::usage, where(key), " is ", value, " (expected ", low,
             " to ", high, ")");
  return value;
}

double Recipe::real(const std::string& key, double otherwise, double low, double high) {
  const auto found = values_.find(key);
  if (found != values_.end())  // 1 is a number too
    if (const int64_t* whole = std::get_if<int64_t>(&found->second.value))
      found->second.value = double(*whole);
  const double value = get<double>(key, otherwise, "a number");
  CAWE_CHECK(std::isfinite(value) && value >= low && value <= high, Code::usage, where(key), " is ", value,
             " (expected ", low, " to ", high, ")");
  return value;
}

bool Recipe::flag(const std::string& key, bool otherwise) {
  return get<bool>(key, otherwise, "true or false");
}

Strings Recipe::words(const std::string& key, const Strings& otherwise) {
  return get<Strings>(key, otherwise, "a list of words");
}

Numbers Recipe::reals(const std::string& key, const Numbers& otherwise) {
  const auto found = values_.find(key);
  if (found != values_.end())
    if (const Strings* words = std::get_if<Strings>(&found->second.value); words != nullptr && words->empty())
      found->second.value = Numbers();
  return get<Numbers>(key, otherwise, "a list of numbers");
}

void Recipe::finish() const {
  Strings known;
  for (const auto& item : asked_) known.push_back(item.first);
  for (const auto& [key, entry] : values_) {
    if (asked_.count(key) > 0) continue;
    const std::string near = nearest_name(key, known);
    fail(Code::usage, where(key), " is not a key of this recipe",
         near.empty() ? " (see docs/recipes.md)" : " (did you mean " + near + "?)");
  }
}

std::string Recipe::resolved() const {
  std::string out, section;
  // Keys without a section must come before the first one.
  for (const bool inner : {false, true})
    for (const auto& [key, value] : asked_) {
      const size_t dot = key.rfind('.');
      if ((dot != std::string::npos) != inner) continue;
      if (inner && key.substr(0, dot) != section) {
        section = key.substr(0, dot);
        out += (out.empty() ? "[" : "\n[") + section + "]\n";
      }
      out += key.substr(inner ? dot + 1 : 0) + " = " + std::visit(ToToml(), value) + "\n";
    }
  return out;
}

}  // namespace cawe::train
