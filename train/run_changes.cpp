// SPDX-License-Identifier: Apache-2.0
#include "train/run_changes.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "models/enhance/method.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/json.h"
#include "tensor/text.h"
#include "train/recipe.h"

namespace cawe::train {
namespace {

const std::string kHash = "sha256.";  // what facts that are hashes begin with

/// What may differ without a word: how a run was started, and how many share the work, which changes no bit.
bool says_nothing(const std::string& fact) {
  return fact == "command_line" || fact == "threads" || fact == "ranks" || fact == "changes" ||
         fact == "warnings" || fact == "cpu";
}

/// Facts of an environment.json; empty where it is missing or damaged.
std::map<std::string, std::string> facts_of(const std::string& dir) {
  std::map<std::string, std::string> facts;
  const Json json = environment_in(dir);
  for (const auto& item : json.items())
    if (item.value().is_string()) facts[item.key()] = item.value().get<std::string>();
  return facts;
}

/// A hash needs only its beginning to be told from another.
std::string shown(const std::string& value, bool hash) {
  return value.empty() ? "not there" : hash ? value.substr(0, 12) : printable(value, 120);
}

std::string difference(const std::string& name, const std::string& before, const std::string& now,
                       bool hash = false) {
  return name + ": " + shown(before, hash) + " before, " + shown(now, hash) + " now";
}

/// Without the hash of all data where those of its parts tell what changed.
std::vector<std::string> without_sum(std::vector<std::string> sentences) {
  const auto of_part = [](const std::string& s) { return begins_with(s, "data_"); };
  if (std::any_of(sentences.begin(), sentences.end(), of_part))
    sentences.erase(std::remove_if(sentences.begin(), sentences.end(),
                                   [](const std::string& s) { return begins_with(s, "data: "); }),
                    sentences.end());
  return sentences;
}

std::string value_in(const std::map<std::string, std::string>& all, const std::string& key) {
  const auto found = all.find(key);
  return found == all.end() ? "" : found->second;
}

/// Calls fn(key, before, now) for every key whose values differ.
template <class Fn>
void for_each_difference(const std::map<std::string, std::string>& before,
                         const std::map<std::string, std::string>& now, const Fn& fn) {
  std::map<std::string, std::string> all = before;
  all.insert(now.begin(), now.end());
  for (const auto& [key, unused] : all)
    if (value_in(before, key) != value_in(now, key)) fn(key, value_in(before, key), value_in(now, key));
}

/// Differences as sentences.
struct Changes {
  std::vector<std::string> decisive;  ///< recipe, data, split, weights
  std::vector<std::string> machine;   ///< program, libraries, instruction set, device: the bits may differ
};

Changes changes_since(const std::string& dir, const std::string& recipe, const Environment& now) {
  Changes changes;
  changes.decisive = differences_from(dir, recipe);
  const std::map<std::string, std::string> before = facts_of(dir);
  if (before.empty()) {
    changes.decisive.push_back("environment.json: not there or damaged, so that nothing can be compared");
    return changes;
  }
  std::map<std::string, std::string> facts;
  for (const auto& [key, value] : environment_facts(now)) facts[key] = value;
  for_each_difference(before, facts, [&](const auto& key, const auto& was, const auto& is) {
    if (begins_with(key, kHash))
      changes.decisive.push_back(difference(key.substr(kHash.size()), was, is, true));
    else if (!says_nothing(key))
      changes.machine.push_back(difference(key, was, is));
  });
  changes.decisive = without_sum(std::move(changes.decisive));
  return changes;
}

}  // namespace

std::vector<std::string> recipe_differences(const std::string& before, const std::string& now, bool filled) {
  std::vector<std::string> out;
  if (before == now) return out;
  const auto values = [](const std::string& text, const char* which) {
    return Recipe::of_checkpoint(text, which).resolved_values();
  };
  for_each_difference(values(before, "the recipe before"), values(now, "the recipe now"),
                      [&](const auto& key, const auto& was, const auto& is) {
                        const Key* row = find_key(key);  // null: of another version of the program
                        if (row != nullptr && !row->decides_result) return;
                        const bool by_name = row != nullptr && row->names_file && !was.empty() && !is.empty();
                        if (!by_name && (!filled || !is.empty())) out.push_back(difference(key, was, is));
                      });
  return out;
}

std::vector<std::string> differences_from(const std::string& dir, const std::string& now, bool filled) {
  const std::string path = dir + "/recipe.toml";
  if (!std::filesystem::exists(path)) return {"recipe.toml: not there"};
  try {
    return recipe_differences(read_file(path), now, filled);
  } catch (const Error& error) {
    return {std::string("recipe.toml: damaged (") + error.what() + ")"};
  }
}

std::vector<std::string> hash_differences(const std::string& dir, const Hashes& hashes) {
  std::map<std::string, std::string> before, now(hashes.begin(), hashes.end());
  for (const auto& [fact, value] : facts_of(dir))
    if (begins_with(fact, kHash)) before[fact.substr(kHash.size())] = value;
  std::vector<std::string> out;
  for_each_difference(before, now, [&](const auto& name, const auto& was, const auto& is) {
    if (!is.empty() || now.count(name) == 0) out.push_back(difference(name, was, is, true));
  });
  return without_sum(std::move(out));
}

bool changes_scores(const std::string& change) {
  const std::string name = change.substr(0, change.find(": "));
  // Films, labels and boxes are known by their hashes ("data_films", "split"), whatever keys of `data` changed them, and
  // so are models that films are seen through. Persons with their sex and age are in no score.
  if (name == "data" || name == "split") return true;
  for (const char* beginning : {"train.select",
                                "train.eval_every",
                                "train.val_images",
                                "train.pos_weight",
                                "data.val_folds",
                                "data_films",
                                "data_labels",
                                "data_boxes",
                                "labels",
                                "classes",
                                "image.",
                                "enhance.",
                                "cam.",
                                "fuse.",
                                "color.",
                                "classifier",
                                "colorizer",
                                "control",
                                "dose.",
                                "detect.",
                                "froc."})
    if (begins_with(name, beginning)) return true;
  for (const models::Method& method : models::methods())
    for (const models::MethodKey& key : method.keys)
      if (begins_with(name, key.name)) return true;
  return false;
}

std::vector<std::string> kept_sentences(const std::string& dir, const std::string& name) {
  std::vector<std::string> kept;
  const Json json = environment_in(dir);
  if (!json.contains(name) || !json[name].is_array()) return kept;
  for (const Json& sentence : json[name])
    if (sentence.is_string()) kept.push_back(sentence.get<std::string>());
  return kept;
}

GoneOn go_on(const std::string& dir, const std::string& recipe, const Environment& now, const Resume& resume,
             const std::string& after) {
  Changes changes = changes_since(dir, recipe, now);
  Environment kept = now;
  kept.changes = kept_sentences(dir, "changes");
  for (const std::string& change : resume.found)
    if (std::find(kept.changes.begin(), kept.changes.end(), after + change) == kept.changes.end())
      changes.decisive.push_back(change);
  CAWE_CHECK(
      changes.decisive.empty() || resume.accept_changes, Code::usage, dir,
      ": was made with other things until now: ", listed(changes.decisive, "; "),
      ". Give it what it had, choose another --out, or go on and have the change kept in environment.json "
      "(--accept-changes).");
  std::vector<std::string> warnings;
  if (!changes.decisive.empty() && resume.check) warnings = resume.check();
  if (!resume.quiet)
    for (const std::string& warning : warnings) warn_once(warning);
  for (const std::string& before : kept_sentences(dir, "warnings"))
    if (begins_with(before, kLeakAllowed))
      warnings.push_back(before);  // it was allowed, whatever is said now
  if (!resume.quiet)
    for (const std::string& change : changes.machine)
      warn_once(dir + ": " + change + ": what is computed from here on may differ in its last bits");
  if (changes.decisive.empty() && changes.machine.empty()) return {kept.changes, {}};
  for (const std::string& warning : warnings)
    if (std::find(kept.warnings.begin(), kept.warnings.end(), warning) == kept.warnings.end())
      kept.warnings.push_back(warning);
  for (const auto* list : {&changes.decisive, &changes.machine})
    for (const std::string& change : *list) kept.changes.push_back(after + change);
  return {kept.changes, {{"environment.json", environment_json(kept)}, {"recipe.toml", recipe}}};
}

}  // namespace cawe::train
