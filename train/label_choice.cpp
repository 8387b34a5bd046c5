// SPDX-License-Identifier: Apache-2.0
#include "train/label_choice.h"

#include <algorithm>

#include "data/dataset.h"
#include "tensor/text.h"

namespace cawe::train {
namespace {

/// The labels that `key` names, as places in `all`.
std::vector<size_t> places_of(const Recipe& recipe, const std::string& key, const Strings& all) {
  std::vector<size_t> places;
  for (const std::string& name : recipe.words(key)) {
    const auto found = std::find(all.begin(), all.end(), name);
    const std::string nearest = nearest_name(name, all);
    CAWE_CHECK(found != all.end(), Code::usage, recipe.where(key), " names \"", printable(name, 80),
               "\", which is no label of the data (", all.empty() ? "they have none" : "expected some of ",
               listed(all, ", ", 20), nearest.empty() ? "" : "; nearest: ", nearest, ")");
    const auto place = size_t(found - all.begin());
    CAWE_CHECK(std::count(places.begin(), places.end(), place) == 0, Code::usage, recipe.where(key),
               " holds \"", printable(name, 80), "\" twice (expected each label once)");
    places.push_back(place);
  }
  return places;
}

}  // namespace

void choose_labels(const Recipe& recipe, data::Dataset* dataset) {
  const Strings& all = dataset->label_names;
  const std::vector<size_t> wanted = places_of(recipe, "data.labels", all),
                            unwanted = places_of(recipe, "data.without_labels", all);
  if (wanted.empty() && unwanted.empty()) return;
  std::vector<size_t> kept;
  for (size_t k = 0; k < (wanted.empty() ? all.size() : wanted.size()); ++k) {
    const size_t place = wanted.empty() ? k : wanted[k];
    if (std::count(unwanted.begin(), unwanted.end(), place) == 0) kept.push_back(place);
  }
  CAWE_CHECK(!kept.empty(), Code::usage, recipe.where("data.without_labels"),
             " leaves no label (expected one at least)");
  data::keep_labels(dataset, kept);
}

bool says_nothing_found(const std::string& label) {
  std::string plain = lower(label);
  std::replace(plain.begin(), plain.end(), '_', ' ');
  const size_t first = plain.find_first_not_of(' '), last = plain.find_last_not_of(' ');
  if (first == std::string::npos) return false;
  plain = plain.substr(first, last - first + 1);
  return plain == "no finding" || plain == "no findings" || plain == "normal" || plain == "healthy";
}

Strings labels_without_place(const Strings& labels, Code blame, const std::string& source) {
  Strings out;
  std::copy_if(labels.begin(), labels.end(), std::back_inserter(out), says_nothing_found);
  CAWE_CHECK(out.size() < labels.size() || labels.empty(), blame, source,
             ": no label of the classifier is a finding, so that a map shows none: ", listed(labels),
             " (expected another classifier, or cam.exclude_labels = [])");
  return out;
}

}  // namespace cawe::train
