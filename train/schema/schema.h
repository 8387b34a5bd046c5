// SPDX-License-Identifier: Apache-2.0
// The table of every key that a recipe may hold: name, type, default, bounds, unit, tasks, one line of help,
// and what the paper says of it. The table itself is in keys_*.cpp, one row a key. Recipes are checked
// against it, values read through it, docs/recipes.md and `cawe recipe` printed from it: a key is added by
// adding its row.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "train/schema/value.h"

namespace cawe::train {

class Recipe;

/// What recipes are for, as bits.
using TaskBits = uint32_t;
constexpr TaskBits kClassifier = 1, kFasterRcnn = 2, kRetinaNet = 4, kColorizer = 8, kStudy = 16;
constexpr TaskBits kEnhance = 32;  ///< what `cawe enhance --set` takes
constexpr TaskBits kFilms = 64;    ///< [data] alone: films of another source that a study adds
constexpr TaskBits kDetectors = kFasterRcnn | kRetinaNet;
constexpr TaskBits kTrained = kClassifier | kDetectors | kColorizer;

struct RecipeTask {
  TaskBits bit;
  std::string name;
  bool in_recipes;  ///< a recipe may say task = "name"
};
const std::vector<RecipeTask>& recipe_tasks();
/// 0 for a name that is none.
TaskBits task_bit(const std::string& name);
/// Names of the tasks in `bits`, in the table's order.
Strings task_names(TaskBits bits);

enum class Type : uint8_t { flag, whole, number, word, words, numbers };
/// "a whole number": for "expected …".
const char* describe(Type type);

/// A default that follows from other keys. Nothing where only the data or a model tell it.
using Computed = std::function<std::optional<Value>(const Recipe& recipe, const std::string& key)>;

/// What a key is in some of its tasks.
struct Rule {
  TaskBits tasks = 0;
  std::optional<Value> value;  ///< the default, where it is one value
  Computed computed;           ///< or what it follows from
  std::string words;           ///< the default in words where it is computed or missing
  bool needed = false;         ///< there is no default: a recipe has to give it
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool above = false;  ///< `low` itself is out of bounds
  int64_t multiple = 1;
  size_t fewest = 0, most = SIZE_MAX;  ///< items of a list
  bool bare = false;                   ///< words of letters, digits, _ and -
  std::function<Strings()> choices;    ///< empty function: any
  /// "0 to 1", "64 or more", "one of a, b", "" for anything.
  std::string bounds(Type type) const;
};

/// What becomes of a key where its condition does not hold.
enum class Elsewhere : uint8_t {
  listed,    ///< given, it is warned of; the resolved recipe holds it all the same
  unlisted,  ///< given, it is warned of; else the resolved recipe leaves it out
  refused    ///< given, it is an error: it is certainly a mistake
};

/// A condition under which a key says something: another key has one of some values.
struct Only {
  enum class Test : uint8_t { one_of, none_of, given, absent };
  TaskBits tasks = ~TaskBits{0};  ///< in other tasks there is no such condition
  std::string key;                ///< "phase.NAME.train": of the same phase; "phase.*.train": of any phase
  Test test = Test::one_of;
  std::function<Strings()> values;  ///< words as they are, everything else as TOML writes it
  Elsewhere elsewhere = Elsewhere::listed;
};

struct Key {
  std::string name;  ///< "phase.NAME.lr": NAME stands for each name in `phases`
  Type type = Type::word;
  std::string group;  ///< heading in docs/recipes.md
  std::string unit, help;
  std::string paper;  ///< what the paper states, with its place
  std::string open;   ///< what it leaves open and this key decides
  std::vector<Rule> rules;
  std::vector<Only> only;
  /// Its value names a file or folder whose content is compared itself when a run is gone on with: another place or
  /// spelling of the same is no change.
  bool names_file = false;
  /// False where every value gives the same numbers (how often a run is saved, how it is called).
  bool decides_result = true;

  TaskBits tasks() const;
  const Rule* rule(TaskBits task) const;  ///< null where the task has no such key
};

/// Every key, in the order of the documentation.
const std::vector<Key>& schema();
/// The row of a key by its name ("phase.frozen.lr" finds "phase.NAME.lr"), or null.
const Key* find_key(const std::string& name);
/// All names that a recipe of this task may use, phases by their names.
Strings key_names(TaskBits task, const Strings& phases);
/// "frozen" of "phase.frozen.lr", "" for other keys.
std::string phase_of(const std::string& name);
/// The key with NAME replaced by the phase of `name`.
std::string in_phase_of(const std::string& key, const std::string& name);
/// What was probably meant: the candidate whose name and section are nearest, "" where none is near. A right
/// name in a wrong section is near.
std::string nearest_key(const std::string& name, const Strings& candidates);

}  // namespace cawe::train
