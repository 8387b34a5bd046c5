// SPDX-License-Identifier: Apache-2.0
#include "train/recipe.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <tuple>

#include "tensor/denormals.h"
#include "tensor/text.h"

namespace cawe::train {
namespace {

bool contains(const Strings& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// How conditions and choices write a value: words without quotes.
std::string plain(const Value& value) {
  const std::string* word = std::get_if<std::string>(&value);
  return word != nullptr ? *word : toml_text(value);
}

/// The value as the type that the schema wants, where that loses nothing: 1 is a number, too, and an empty
/// list is a list of numbers as well as of words.
Value converted(const Value& value, Type type) {
  const int64_t* whole = std::get_if<int64_t>(&value);
  if (type == Type::number && whole != nullptr) return double(*whole);
  const Strings* words = std::get_if<Strings>(&value);
  if (type == Type::numbers && words != nullptr && words->empty()) return Numbers();
  return value;
}

bool is_of(const Value& value, Type type) {
  switch (type) {
    case Type::flag:
      return std::holds_alternative<bool>(value);
    case Type::whole:
      return std::holds_alternative<int64_t>(value);
    case Type::number:
      return std::holds_alternative<double>(value);
    case Type::word:
      return std::holds_alternative<std::string>(value);
    case Type::words:
      return std::holds_alternative<Strings>(value);
    case Type::numbers:
      return std::holds_alternative<Numbers>(value);
  }
  return false;
}

/// A value in a message: a list of a checkpoint may be a megabyte long.
std::string shown(const Value& value) { return printable(toml_text(value), 300); }

/// A value's items: itself, or those of a list.
std::vector<Value> items_of(const Value& value) {
  if (const Strings* words = std::get_if<Strings>(&value)) return {words->begin(), words->end()};
  if (const Numbers* numbers = std::get_if<Numbers>(&value)) return {numbers->begin(), numbers->end()};
  return {value};
}

/// Whether TOML takes the word as a key without quotes.
bool is_bare(const std::string& word) {
  const auto fits = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  };
  return !word.empty() && std::all_of(word.begin(), word.end(), fits);
}

bool within(const Value& item, const Rule& rule) {
  double v = 0;
  if (const int64_t* whole = std::get_if<int64_t>(&item)) {
    if (*whole % rule.multiple != 0) return false;
    v = double(*whole);
  } else if (const double* number = std::get_if<double>(&item)) {
    v = *number;
    if (!std::isfinite(v)) return false;
  } else {
    return true;
  }
  return v >= rule.low && v <= rule.high && !(rule.above && v == rule.low);
}

}  // namespace

Recipe::Recipe(const std::string& task) : task_(task), bit_(task_bit(task)) {}

Recipe Recipe::parse(const std::string& text, const std::string& source, const std::string& task,
                     const Strings& assignments) {
  Recipe recipe(task);
  recipe.source_ = source;
  recipe.add_text(text, source);
  recipe.set(assignments);
  return recipe;
}

Recipe Recipe::of_checkpoint(const std::string& text, const std::string& source) {
  Recipe recipe("");
  recipe.source_ = source;
  recipe.of_checkpoint_ = true;
  recipe.add_text(text, source);
  const auto found = recipe.entries_.find("task");
  if (found != recipe.entries_.end() && is_of(found->second.value, Type::word))
    recipe.task_ = std::get<std::string>(found->second.value);
  recipe.bit_ = task_bit(recipe.task_);
  return recipe;
}

void Recipe::set(const Strings& assignments, const std::string& origin) {
  Strings removed;
  for (const std::string& assignment : assignments) assign(assignment, origin, &removed);
  find_task();
  const Strings known = keys();
  for (const std::string& name : removed)
    if (!contains(known, name)) refuse(name, origin + ": " + name, known);
  check();
}

void Recipe::find_task() {
  const Key& key = *find_key("task");
  if (has("task")) {
    const Value task = checked(key, key.rules.front(), "task");
    task_ = std::get<std::string>(task);
  }
  bit_ = task_bit(task_);
  CAWE_CHECK(bit_ != 0, Code::internal, source_, ": no task is called \"", task_, "\"");
}

std::string Recipe::where(const std::string& key) const {
  const auto found = entries_.find(key);
  const bool given = found != entries_.end() && found->second.giver == Giver::person;
  return (given ? found->second.origin : source_) + ": " + key;
}

Code Recipe::blame(const std::string& key) const {
  const auto found = entries_.find(key);
  return of_checkpoint_ && (found == entries_.end() || found->second.line > 0) ? Code::data : Code::usage;
}

std::string Recipe::origin(const std::string& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? "default" : found->second.origin;
}

/// As the file has them, those of assignments behind.
Strings Recipe::given_in_order() const {
  std::vector<std::tuple<bool, int, std::string>> given;
  for (const auto& [name, entry] : entries_)
    if (entry.giver == Giver::person) given.emplace_back(entry.line == 0, entry.line, name);
  std::sort(given.begin(), given.end());
  Strings names;
  for (const auto& item : given) names.push_back(std::get<2>(item));
  return names;
}

Strings Recipe::phases() const {
  const auto found = entries_.find("phases");
  const Strings* names = found == entries_.end() ? nullptr : std::get_if<Strings>(&found->second.value);
  Strings once;
  if (names != nullptr)
    for (const std::string& name : *names)
      if (!contains(once, name)) once.push_back(name);
  return once;
}

Strings Recipe::keys() const { return key_names(bit_, phases()); }

void Recipe::refuse(const std::string& name, const std::string& place, const Strings& known) const {
  const Key* key = find_key(name);
  std::string near = nearest_key(name, known), why = " is not a key of this recipe";
  if (key != nullptr && key->rule(bit_) == nullptr) {
    why = " is a key of " + joined(task_names(key->tasks())) + ", and this is a recipe of " + task_;
    if (task_ == "study")
      why += ", whose keys set, classifier_set and colorizer_set hold assignments for these";
    // It is spelt right: of this task's keys only one of the same name may have been meant.
    if (name.substr(name.rfind('.') + 1) != near.substr(near.rfind('.') + 1)) near.clear();
  } else if (key != nullptr) {
    why = ": phases names no \"" + phase_of(name) + "\"";
  }
  fail(Code::usage, place, why, near.empty() ? " (see `cawe recipe keys`)" : " (did you mean " + near + "?)");
}

void Recipe::check() const {
  const Strings given = given_in_order(), known = keys();
  for (const std::string& name : given) {
    if (!contains(known, name)) refuse(name, where(name), known);
    const Key& key = *find_key(name);
    checked(key, *key.rule(bit_), name);
  }
  for (const std::string& name : given)
    if (const auto reason = unmet(name); reason && reason->elsewhere == Elsewhere::refused)
      fail(Code::usage, where(name), " has no meaning here: ", reason->why);
}

Value Recipe::checked(const Key& key, const Rule& rule, const std::string& name) const {
  const KeepDenormals exact;  // a number that is not 0 is above 0
  const Entry& entry = entries_.at(name);
  const Code wrong = blame(name);
  const Value given = entry.value, value = converted(given, key.type);
  CAWE_CHECK(is_of(value, key.type), wrong, where(name), " is ", shown(given), " (expected ",
             describe(key.type), ")");
  const std::vector<Value> items = items_of(value);
  const bool list = key.type == Type::words || key.type == Type::numbers;
  CAWE_CHECK(!list || (items.size() >= rule.fewest && items.size() <= rule.most), wrong, where(name), " is ",
             shown(value), " (expected ", rule.bounds(key.type), ")");
  for (const Value& item : items) {
    const std::string* bare = rule.bare ? std::get_if<std::string>(&item) : nullptr;
    CAWE_CHECK(bare == nullptr || is_bare(*bare), wrong, where(name), " holds ", shown(item),
               " (expected letters, digits, _ and -)");
    if (!rule.choices) {
      CAWE_CHECK(within(item, rule), wrong, where(name), list ? " holds " : " is ", shown(item),
                 " (expected ", rule.bounds(key.type), ")");
      continue;
    }
    const Strings choices = rule.choices();
    if (contains(choices, plain(item))) continue;
    const std::string near = key.type == Type::whole ? "" : nearest_name(plain(item), choices);
    fail(wrong, where(name), list ? " holds " : " is ", shown(item), " (expected ", rule.bounds(key.type),
         near.empty() ? ")" : "; did you mean " + near + "?)");
  }
  return value;
}

std::optional<Value> Recipe::otherwise(const std::string& name) const {
  const Key* key = find_key(name);
  const Rule* rule = key == nullptr ? nullptr : key->rule(bit_);
  if (rule == nullptr) return std::nullopt;
  return rule->computed ? rule->computed(*this, name) : rule->value;
}

std::optional<Value> Recipe::value(const std::string& name) const {
  const Key* key = find_key(name);
  const Rule* rule = key == nullptr ? nullptr : key->rule(bit_);
  if (rule == nullptr) return std::nullopt;
  return has(name) ? checked(*key, *rule, name) : otherwise(name);
}

template <class T>
T Recipe::get(const std::string& name) const {
  const Key* key = find_key(name);
  const Rule* rule = key == nullptr ? nullptr : key->rule(bit_);
  CAWE_CHECK(rule != nullptr, Code::internal, source_, ": ", name, " is no key of a recipe of ", task_);
  const std::optional<Value> found = value(name);
  CAWE_CHECK(found || !rule->needed, blame(name), source_, ": ", name, " is missing (expected ", rule->words,
             ")");
  CAWE_CHECK(found && std::holds_alternative<T>(*found), Code::internal, source_, ": ", name,
             " was asked for as another type, or before it is known");
  return std::get<T>(*found);
}
template std::string Recipe::get(const std::string&) const;
template int64_t Recipe::get(const std::string&) const;
template double Recipe::get(const std::string&) const;
template bool Recipe::get(const std::string&) const;
template Strings Recipe::get(const std::string&) const;
template Numbers Recipe::get(const std::string&) const;

std::optional<std::string> Recipe::unmet(const Only& only, const std::string& name) const {
  const std::string other = in_phase_of(only.key, name);
  const auto entry = entries_.find(other);
  const bool given = entry != entries_.end() && entry->second.giver != Giver::data;
  if (only.test == Only::Test::given) return given ? std::nullopt : std::optional(other + " is not given");
  if (only.test == Only::Test::absent) return given ? std::optional(other + " is given") : std::nullopt;
  const Strings values = only.values();
  const std::string any = "phase.*.";
  if (other.rfind(any, 0) == 0) {
    const std::string last = other.substr(any.size());
    for (const std::string& phase : phases())
      if (const auto v = value("phase." + phase + "." + last); v && contains(values, plain(*v)))
        return std::nullopt;
    return "no phase has " + last + " = " + joined(values);
  }
  const std::optional<Value> v = value(other);
  if (!v) return std::nullopt;  // not known yet, or no key of this task
  const bool wanted = only.test == Only::Test::one_of;
  if (contains(values, plain(*v)) != wanted)
    return other + " is " + toml_text(*v) + (wanted ? " (it counts with " + joined(values) + ")" : "");
  const std::optional<Unmet> deeper = unmet(other);
  return deeper ? std::optional(deeper->why) : std::nullopt;
}

std::optional<Recipe::Unmet> Recipe::unmet(const std::string& name) const {
  const Key* key = find_key(name);
  if (key == nullptr) return std::nullopt;
  for (const Only& only : key->only)
    if ((only.tasks & bit_) != 0)
      if (const auto why = unmet(only, name)) return Unmet{*why, only.elsewhere};
  return std::nullopt;
}

bool Recipe::exists(const std::string& key) const {
  const std::optional<Unmet> reason = unmet(key);
  return !reason || reason->elsewhere == Elsewhere::listed;
}

std::string Recipe::idle(const std::string& key) const {
  const std::optional<Unmet> reason = unmet(key);
  return reason ? reason->why : "";
}

std::vector<RecipeWarning> Recipe::warnings() const {
  std::vector<RecipeWarning> all;
  for (const std::string& name : given_in_order()) {
    const std::string why = idle(name);
    if (!why.empty() && value(name) != otherwise(name))
      all.push_back({name, where(name) + " says nothing: " + why});
  }
  return all;
}

std::map<std::string, std::string> Recipe::resolved_values() const {
  std::map<std::string, std::string> values;
  for (const std::string& name : keys()) {
    if (!has(name) && !exists(name)) continue;
    if (const std::optional<Value> v = value(name)) values[name] = toml_text(*v);
  }
  return values;
}

std::string Recipe::resolved() const {
  std::string out, section;
  // Keys without a section must come before the first one.
  for (const bool inner : {false, true})
    for (const auto& [name, text] : resolved_values()) {
      const size_t dot = name.rfind('.');
      if ((dot != std::string::npos) != inner) continue;
      if (inner && name.substr(0, dot) != section) {
        section = name.substr(0, dot);
        out += (out.empty() ? "[" : "\n[") + section + "]\n";
      }
      out += name.substr(inner ? dot + 1 : 0) + " = " + text + "\n";
    }
  return out;
}

}  // namespace cawe::train
