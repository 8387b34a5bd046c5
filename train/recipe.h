// SPDX-License-Identifier: Apache-2.0
// Recipe: the keys of a TOML file with what the command line set on top, checked against the schema when it
// is read. Reading a key changes nothing: its type, bounds and default are the schema's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tensor/error.h"
#include "train/schema/schema.h"

namespace cawe::train {

struct RecipeWarning {
  std::string key, line;  ///< the key, and what to tell
};

class Recipe {
 public:
  /// An empty recipe of task `task`.
  explicit Recipe(const std::string& task = "classifier");
  /// Reads a TOML file, puts the assignments over it and checks all of it, before anything else is done with
  /// it. `task` is what it is for where it has no key `task`. Throws usage, one line: file and line, the key,
  /// what is wrong, and the nearest valid key or value.
  static Recipe read(const std::string& path, const std::string& task = "classifier",
                     const Strings& assignments = {});
  static Recipe parse(const std::string& text, const std::string& source,
                      const std::string& task = "classifier", const Strings& assignments = {});
  /// What a checkpoint carries, perhaps of an older or a newer program: keys that are unknown here are let
  /// be, and task() is "" where there is none. What is wrong with it throws data, here, when a key is read, or where
  /// a model or a chain is made of it (blame()).
  static Recipe of_checkpoint(const std::string& text, const std::string& source);

  /// Puts "key=value" assignments over the recipe, all of them, and checks it. The value may be written as
  /// TOML does or plainly, by the key's type: `title=Two words`, `seeds=0,1`, `data.test_folds=[a, b]`. An
  /// empty value takes the key away: its default holds again. `origin` begins messages about these keys.
  void set(const Strings& assignments, const std::string& origin = "--set");
  /// For code that derives one recipe from another: replaces the value.
  template <class T>
  void put(const std::string& key, const T& value) {
    entries_[key] = Entry{Value(value), Giver::program, "the program", 0};
  }
  /// A default that only the data or a model tell: kept where the recipe does not give the key.
  template <class T>
  void fill(const std::string& key, const T& value) {
    entries_.emplace(key, Entry{Value(value), Giver::data, "the data", 0});
  }

  const std::string& task() const { return task_; }
  const std::string& source() const { return source_; }
  /// Whether the key was given, put or filled in.
  bool has(const std::string& key) const { return entries_.count(key) > 0; }
  /// The key's value or its default; nothing where only the data or a model tell it, and for a key that the
  /// task does not have. Throws usage where what was given is of another type or out of bounds.
  std::optional<Value> value(const std::string& key) const;
  /// The default alone.
  std::optional<Value> otherwise(const std::string& key) const;

  // The value, which the schema says is of this type. Throws usage where a key that has to be given is
  // missing, internal where the task has no such key.
  std::string word(const std::string& key) const { return get<std::string>(key); }
  int64_t whole(const std::string& key) const { return get<int64_t>(key); }
  double number(const std::string& key) const { return get<double>(key); }
  bool flag(const std::string& key) const { return get<bool>(key); }
  Strings words(const std::string& key) const { return get<Strings>(key); }
  Numbers numbers(const std::string& key) const { return get<Numbers>(key); }

  /// All names that this recipe may use, in the order of the documentation.
  Strings keys() const;
  /// Whether the key is one under the recipe's choices: those of another data format, of another split or of
  /// colours that nothing uses are not.
  bool exists(const std::string& key) const;
  /// Why a key says nothing here: `enhance.method is "none" (it counts with cawe, uniform)`; "" where it
  /// counts.
  std::string idle(const std::string& key) const;
  /// The given keys that another choice of the recipe leaves without a meaning and whose values are not the
  /// default.
  std::vector<RecipeWarning> warnings() const;
  /// Every key of the task with its value, as TOML, sorted: what is written to the run folder. Keys that do
  /// not exist under the recipe's choices (of another data format, of another split) are left out.
  std::string resolved() const;
  /// The same as pairs of a key and its value's TOML.
  std::map<std::string, std::string> resolved_values() const;
  /// "recipe.toml:12: train.steps": begins messages about a key.
  std::string where(const std::string& key) const;
  /// The code of an error about a key: data where a checkpoint says it or leaves it out, usage where a person does.
  Code blame(const std::string& key) const;
  /// "default", "recipe.toml:12", "--set".
  std::string origin(const std::string& key) const;

 private:
  enum class Giver : uint8_t { person, program, data };
  struct Entry {
    Value value;
    Giver giver = Giver::person;
    std::string origin;  ///< "recipe.toml:12", "--set"
    int line = 0;        ///< of the file; 0: not from it
  };
  /// A condition that does not hold: why, and what becomes of the key.
  struct Unmet {
    std::string why;
    Elsewhere elsewhere;
  };
  template <class T>
  T get(const std::string& key) const;
  void add_text(const std::string& text, const std::string& source);
  void assign(const std::string& assignment, const std::string& origin, Strings* removed);
  void find_task();
  void check() const;
  /// Throws for a key that is none of the `known` ones.
  [[noreturn]] void refuse(const std::string& name, const std::string& place, const Strings& known) const;
  Value checked(const Key& key, const Rule& rule, const std::string& name) const;
  std::optional<Unmet> unmet(const std::string& name) const;
  std::optional<std::string> unmet(const Only& only, const std::string& name) const;
  Strings given_in_order() const;
  Strings phases() const;

  std::map<std::string, Entry> entries_;
  std::string task_, source_ = "recipe";
  TaskBits bit_ = 0;
  bool of_checkpoint_ = false;  ///< what is wrong with the text is bad data, not wrong usage
};

}  // namespace cawe::train
