// SPDX-License-Identifier: Apache-2.0
// Recipe: the keys of a TOML file with what the command line set on top. Asking for a key is what makes it
// known: a key that nobody asked for is a mistake in the recipe, and says so with the nearest name.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace cawe::train {

using Strings = std::vector<std::string>;
using Numbers = std::vector<double>;

class Recipe {
 public:
  Recipe() = default;
  /// Reads a TOML file. Throws usage with the file's line, io where it cannot be read.
  static Recipe read(const std::string& path);
  static Recipe parse(const std::string& text, const std::string& source);

  /// "key=value", the value as TOML writes it; bare words are strings. From then on set() keys count as
  /// given.
  void set(const std::string& assignment);
  /// For code that derives one recipe from another: replaces the value.
  template <class T>
  void put(const std::string& key, const T& value) {
    values_[key] = Entry{Value(value), 0};
  }
  void erase(const std::string& key) { values_.erase(key); }
  bool has(const std::string& key) const { return values_.count(key) > 0; }

  // Each returns the key's value, or `otherwise`, and remembers it for resolved(). Throws usage with file and
  // line where the type is another or the value is out of range.
  std::string word(const std::string& key, const std::string& otherwise);
  std::string choice(const std::string& key, const std::string& otherwise, const Strings& allowed);
  int64_t whole(const std::string& key, int64_t otherwise, int64_t low, int64_t high);
  double real(const std::string& key, double otherwise, double low, double high);
  bool flag(const std::string& key, bool otherwise);
  Strings words(const std::string& key, const Strings& otherwise);
  Numbers reals(const std::string& key, const Numbers& otherwise);
  /// Throws usage where the key is missing.
  std::string needed_word(const std::string& key, const std::string& what);

  /// Throws usage for the first key that nobody asked for, with the nearest that somebody did.
  void finish() const;
  /// All keys asked for with their values, as TOML, sorted: what is written to the run folder.
  std::string resolved() const;
  const std::string& source() const { return source_; }
  /// "recipe.toml:12: train.steps": begins messages about a key.
  std::string where(const std::string& key) const;

 private:
  using Value = std::variant<bool, int64_t, double, std::string, Strings, Numbers>;
  struct Entry {
    Value value;
    int line = 0;
  };
  template <class T>
  T get(const std::string& key, const T& otherwise, const char* expected);
  void add_text(const std::string& text, const std::string& source);

  std::map<std::string, Entry> values_;
  std::map<std::string, Value> asked_;
  std::string source_ = "recipe";
};

}  // namespace cawe::train
