// SPDX-License-Identifier: Apache-2.0
// How rows of the schema are written: table.whole("seed").on(kTrained, 0).from(0, kMost).help("…").
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "train/schema/schema.h"

namespace cawe::train {

/// No upper bound.
constexpr double kMost = std::numeric_limits<double>::infinity();

class Row {
 public:
  explicit Row(Key* key) : key_(key) {}

  /// In these tasks the key exists with this default.
  template <class T>
  Row& on(TaskBits tasks, const T& value) {
    if constexpr (std::is_same_v<T, bool>)
      return add(tasks, Value(value));
    else if constexpr (std::is_integral_v<T>)
      return add(tasks, key_->type == Type::number ? Value(double(value)) : Value(int64_t(value)));
    else if constexpr (std::is_floating_point_v<T>)
      return add(tasks, Value(double(value)));
    else if constexpr (std::is_convertible_v<T, std::string>)
      return add(tasks, Value(std::string(value)));
    else
      return add(tasks, Value(value));
  }
  /// The default follows from other keys; `words` say how.
  Row& on(TaskBits tasks, Computed computed, const std::string& words);
  /// Only the data or a model tell the default; `words` say which.
  Row& later(TaskBits tasks, const std::string& words);
  /// There is no default; `words` say what is expected.
  Row& needed(TaskBits tasks, const std::string& words);

  // These hold for all tasks named so far that have none yet.
  Row& from(double low, double high);
  Row& above(double low, double high);
  Row& one_of(const Strings& choices);
  Row& one_of(std::function<Strings()> choices);

  // These for all tasks named so far.
  Row& multiple_of(int64_t step);
  Row& items(size_t fewest, size_t most = SIZE_MAX);
  Row& bare();

  Row& unit(const std::string& text);
  Row& help(const std::string& text);
  Row& paper(const std::string& text);
  Row& open(const std::string& text);

  // See Key::names_file and Key::decides_result.
  Row& file();
  Row& decides_nothing();

  // Conditions, see Only.
  Row& only(const std::string& key, const Strings& values);
  Row& only(const std::string& key, std::function<Strings()> values);
  Row& except(const std::string& key, const Strings& values);
  Row& only_if_given(const std::string& key);
  Row& only_without(const std::string& key);
  // These of the condition before them.
  Row& unlisted();
  Row& refused();
  Row& in(TaskBits tasks);

 private:
  Row& add(TaskBits tasks, Value value);
  Row& condition(const std::string& key, Only::Test test, std::function<Strings()> values);
  Key* key_;
};

class Table {
 public:
  void group(const std::string& title) { group_ = title; }
  Row flag(const std::string& name) { return row(name, Type::flag); }
  Row whole(const std::string& name) { return row(name, Type::whole); }
  Row number(const std::string& name) { return row(name, Type::number); }
  Row word(const std::string& name) { return row(name, Type::word); }
  Row words(const std::string& name) { return row(name, Type::words); }
  Row numbers(const std::string& name) { return row(name, Type::numbers); }
  std::vector<Key> keys;

 private:
  Row row(const std::string& name, Type type);
  std::string group_;
};

/// A colorizer's phases that have steps, in order.
Strings active_phases(const Recipe& recipe);
/// color.render_factor of a colorizer: it colorizes at the size that it was trained at last.
std::optional<Value> rendered_as_trained(const Recipe& recipe, const std::string& key);

// The rows, by file.
void common_keys(Table& t);
void training_keys(Table& t);
void data_keys(Table& t);
void model_keys(Table& t);
void enhancement_keys(Table& t);
void colorizer_keys(Table& t);
void study_keys(Table& t);

}  // namespace cawe::train
