// SPDX-License-Identifier: Apache-2.0
// What the program knows of an enhancement method: one Method. Recipes' keys, their check and documentation, the
// commands' choices, a study's rows and the report's names all come from it, so that a new method is a file
// models/enhance/NAME.cpp that defines NAME_methods(), and its name in the list of models/CMakeLists.txt.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace cawe::models {

class Enhancer;
struct EnhancerOptions;

/// A key of a recipe that a method alone reads.
struct MethodKey {
  std::string name;  ///< "afda.vmax": SECTION.KEY, the section being the method's name
  /// Its default, and with it its type: a number, a whole number or a word.
  std::variant<double, int64_t, std::string> otherwise;
  double low = 0, high = 0;          ///< bounds of numbers, included
  std::vector<std::string> choices;  ///< of a word
  std::string help;                  ///< one line for `cawe recipe keys` and docs/recipes.md
  std::string open;                  ///< what the paper leaves open and this key decides; "" for nothing
  /// Read only while a network learns from films (Enhancer::in_training): no key of `cawe enhance`, which trains nothing.
  bool learning_only = false;
};
MethodKey number_key(std::string name, double otherwise, double low, double high, std::string help,
                     std::string open = {});
MethodKey whole_key(std::string name, int64_t otherwise, double low, double high, std::string help,
                    std::string open = {});
/// The first choice is the default.
MethodKey word_key(std::string name, std::vector<std::string> choices, std::string help,
                   std::string open = {});

/// Values of methods' keys, by name. Reading one that is missing or of another type throws Code::internal.
class MethodValues {
 public:
  using Value = std::variant<double, int64_t, std::string>;
  void set(const std::string& key, Value value) { values_[key] = std::move(value); }
  /// Where the key has no value yet.
  void set_default(const std::string& key, const Value& value) { values_.emplace(key, value); }
  double number(const std::string& key) const;
  int64_t whole(const std::string& key) const;
  const std::string& word(const std::string& key) const;

 private:
  template <class T>
  const T& get(const std::string& key) const;
  std::map<std::string, Value> values_;
};

/// What a method asks for.
struct EnhancerNeeds {
  bool classifier = false;  ///< a trained one, whose attention it looks at
  bool colorizer = false;   ///< a trained one
  /// Sections of a recipe that several methods read: "cam", "fuse", "color". "fuse": it fuses a map.
  std::vector<std::string> sections;
};

using EnhancerFactory = std::function<std::unique_ptr<Enhancer>(const EnhancerOptions&)>;

struct Method {
  std::string name;   ///< in recipes and commands: "afda"
  std::string label;  ///< for people: "AFDA"
  EnhancerFactory make;
  EnhancerNeeds needs;
  std::vector<MethodKey> keys;
};

/// All methods, in the order of models/CMakeLists.txt; then those of register_method().
std::vector<Method> methods();
/// For programs that bring a method along: before the first recipe is read, since that settles the keys. Throws
/// Code::internal where the name is taken.
void register_method(Method method);

}  // namespace cawe::models
