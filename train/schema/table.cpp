// SPDX-License-Identifier: Apache-2.0
#include "train/schema/table.h"

#include <cmath>

namespace cawe::train {

Row Table::row(const std::string& name, Type type) {
  Key key;
  key.name = name;
  key.type = type;
  key.group = group_;
  keys.push_back(std::move(key));
  return Row(&keys.back());
}

Row& Row::add(TaskBits tasks, Value value) {
  Rule rule;
  rule.tasks = tasks;
  rule.value = std::move(value);
  key_->rules.push_back(std::move(rule));
  return *this;
}

Row& Row::on(TaskBits tasks, Computed computed, const std::string& words) {
  Rule rule;
  rule.tasks = tasks;
  rule.computed = std::move(computed);
  rule.words = words;
  key_->rules.push_back(std::move(rule));
  return *this;
}

Row& Row::later(TaskBits tasks, const std::string& words) {
  return on(
      tasks, [](const Recipe&, const std::string&) { return std::nullopt; }, words);
}

Row& Row::needed(TaskBits tasks, const std::string& words) {
  later(tasks, words);
  key_->rules.back().needed = true;
  return *this;
}

Row& Row::from(double low, double high) {
  for (Rule& rule : key_->rules) {
    if (std::isfinite(rule.low)) continue;
    rule.low = low;
    rule.high = high;
  }
  return *this;
}

Row& Row::above(double low, double high) {
  for (Rule& rule : key_->rules) rule.above |= !std::isfinite(rule.low);
  return from(low, high);
}

Row& Row::one_of(const Strings& choices) {
  return one_of([choices] { return choices; });
}

Row& Row::one_of(std::function<Strings()> choices) {
  for (Rule& rule : key_->rules)
    if (!rule.choices) rule.choices = choices;
  return *this;
}

Row& Row::multiple_of(int64_t step) {
  for (Rule& rule : key_->rules) rule.multiple = step;
  return *this;
}

Row& Row::items(size_t fewest, size_t most) {
  for (Rule& rule : key_->rules) {
    rule.fewest = fewest;
    rule.most = most;
  }
  return *this;
}

Row& Row::bare() {
  for (Rule& rule : key_->rules) rule.bare = true;
  return *this;
}

Row& Row::unit(const std::string& text) {
  key_->unit = text;
  return *this;
}
Row& Row::help(const std::string& text) {
  key_->help = text;
  return *this;
}
Row& Row::paper(const std::string& text) {
  key_->paper = text;
  return *this;
}
Row& Row::open(const std::string& text) {
  key_->open = text;
  return *this;
}

Row& Row::file() {
  key_->names_file = true;
  return *this;
}
Row& Row::decides_nothing() {
  key_->decides_result = false;
  return *this;
}

Row& Row::condition(const std::string& key, Only::Test test, std::function<Strings()> values) {
  Only only;
  only.key = key;
  only.test = test;
  only.values = std::move(values);
  key_->only.push_back(std::move(only));
  return *this;
}

Row& Row::only(const std::string& key, const Strings& values) {
  return only(key, [values] { return values; });
}
Row& Row::only(const std::string& key, std::function<Strings()> values) {
  return condition(key, Only::Test::one_of, std::move(values));
}
Row& Row::except(const std::string& key, const Strings& values) {
  return condition(key, Only::Test::none_of, [values] { return values; });
}
Row& Row::only_if_given(const std::string& key) {
  return condition(key, Only::Test::given, [] { return Strings(); });
}
Row& Row::only_without(const std::string& key) {
  return condition(key, Only::Test::absent, [] { return Strings(); });
}

Row& Row::unlisted() {
  key_->only.back().elsewhere = Elsewhere::unlisted;
  return *this;
}
Row& Row::refused() {
  key_->only.back().elsewhere = Elsewhere::refused;
  return *this;
}
Row& Row::in(TaskBits tasks) {
  key_->only.back().tasks = tasks;
  return *this;
}

}  // namespace cawe::train
