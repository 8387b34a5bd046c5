// SPDX-License-Identifier: Apache-2.0
// What a data set and its split cannot train or judge, found out before the first step.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tensor/error.h"
#include "tensor/text.h"
#include "train/datasets.h"
#include "train/run_changes.h"

namespace cawe::train {
namespace {

/// Folds that a recipe names for one purpose, and their images.
struct Part {
  std::string key, purpose;  ///< "data.val_folds", "validation"
  Strings folds;
  std::vector<int64_t> images;
};

std::vector<Part> parts_of(const Recipe& r, const data::Split& split) {
  std::vector<Part> parts;
  for (const auto& [key, purpose] : kFoldKeys) {
    if (!r.value(key)) continue;
    Part part{key, purpose, r.words(key), {}};
    part.images = fold_indices(split, part.folds);
    if (!part.images.empty()) parts.push_back(std::move(part));
  }
  return parts;
}

std::string place(const Part& part) { return part.key + " (" + listed(part.folds) + ")"; }

std::string films(size_t count) { return std::to_string(count) + (count == 1 ? " film" : " films"); }

void warn_of_boxes(const data::Dataset& dataset, const Part& part, Strings* out) {
  size_t searched = 0, boxed = 0;
  for (const int64_t i : part.images) {
    const data::Sample& s = dataset.samples[size_t(i)];
    searched += s.has_box_annotation;
    boxed += s.has_box_annotation && !s.boxes.empty();
  }
  if (boxed > 0) return;
  const std::string none =
      "none of the " + films(searched) + " of " + place(part) + " that were searched for lesions has one: ";
  if (part.purpose == "training")
    out->push_back(none + "a detector learns nothing from them");
  else
    out->push_back(
        none + "sensitivity and mean AP of the " + part.purpose +
        " are not defined (data.stratify = true, a larger share, or another data.split_seed may help)");
}

/// Films that the table of boxes does not name: nobody is known to have looked for lesions in them.
void warn_of_missing_rows(const Recipe& r, const data::Dataset& dataset, const data::Split& split,
                          Strings* out) {
  std::map<std::string, size_t> missing;  // by fold
  size_t count = 0;
  std::string first;
  for (size_t i = 0; i < dataset.samples.size(); ++i) {
    if (dataset.samples[i].has_box_annotation) continue;
    if (count++ == 0) first = dataset.samples[i].path;
    ++missing[split.fold[i]];
  }
  const std::string table = r.word("data.boxes");
  if (count == 0 || table.empty()) return;
  Strings by_fold;
  for (const auto& [fold, films_of_it] : missing) by_fold.push_back(fold + " " + std::to_string(films_of_it));
  out->push_back(detail::concat(
      count, " of ", films(dataset.samples.size()), count == 1 ? " has" : " have", " no row in ", table, " (",
      listed(by_fold), "; the first is ", first, ") and ", count == 1 ? "is" : "are",
      " left out of training and test (a film without a lesion needs a row with Target 0)"));
}

/// Boxes of several categories: a detector has one class.
void warn_of_categories(const Recipe& r, const data::Dataset& dataset, Strings* out) {
  const std::string format = r.word("data.format");
  if (format != "coco" && (format != "voc" || !r.words("data.class_names").empty())) return;
  std::vector<size_t> boxes(dataset.class_names.size(), 0);
  for (const data::Sample& sample : dataset.samples)
    for (const int k : sample.box_classes) ++boxes[size_t(k)];
  Strings used;
  for (size_t k = 0; k < boxes.size(); ++k)
    if (boxes[k] > 0) used.push_back(dataset.class_names[k] + " " + std::to_string(boxes[k]));
  if (used.size() > 1)
    out->push_back(detail::concat("the boxes are of ", used.size(), " categories (", listed(used),
                                  "): all count as lesions"));
}

/// Folds of data.split_file that no key reads: a misspelt one takes its films out of the run. Those that a key usually
/// reads are left out on purpose where it is empty.
void warn_of_unread_folds(const Recipe& r, const data::Split& split, Strings* out) {
  if (r.word("data.split") != "file" || !r.value("data.train_folds")) return;
  std::set<std::string> read;
  for (const auto& [key, purpose] : kFoldKeys) {
    const Strings folds = r.words(key), usual = std::get<Strings>(*r.otherwise(key));
    read.insert(folds.begin(), folds.end());
    if (folds.empty()) read.insert(usual.begin(), usual.end());
  }
  std::map<std::string, size_t> unread;
  for (const std::string& fold : split.fold)
    if (read.count(fold) == 0) ++unread[fold];
  size_t count = 0;
  Strings named;
  for (const auto& [fold, films_of_it] : unread) {
    count += films_of_it;
    named.push_back("\"" + printable(fold, 80) + "\" " + std::to_string(films_of_it));
    for (const std::string& near : read)
      if (lower(near) == lower(fold)) named.back() += " (did you mean " + near + "?)";
  }
  if (count > 0)
    out->push_back(detail::concat(
        count, " of ", films(split.fold.size()), " of the split file ",
        count == 1 ? "is in a fold" : "are in folds",
        " that none of data.train_folds, data.val_folds and data.test_folds reads: ", listed(named)));
}

/// Labels without a known cell, a positive or a negative among some images.
struct Missing {
  Strings known, positives, negatives;
};

Missing missing_labels(const data::Dataset& dataset, const std::vector<int64_t>& images) {
  Missing missing;
  for (size_t k = 0; k < dataset.label_names.size(); ++k) {
    size_t positives = 0, negatives = 0;
    for (const int64_t i : images) {
      const float label = dataset.samples[size_t(i)].labels[k];
      positives += label == 1;
      negatives += label == 0;
    }
    const std::string& name = dataset.label_names[k];
    if (positives + negatives == 0)
      missing.known.push_back(name);
    else if (positives == 0)
      missing.positives.push_back(name);
    else if (negatives == 0)
      missing.negatives.push_back(name);
  }
  return missing;
}

void warn_of_labels(const data::Dataset& dataset, const Part& part, Strings* out) {
  const Missing missing = missing_labels(dataset, part.images);
  const std::string where = " among the " + films(part.images.size()) + " of " + place(part);
  const bool trains = part.purpose == "training";
  const std::string effect = trains ? "" : ": their AUROC is not defined there";
  if (missing.known.size() == dataset.label_names.size()) {
    out->push_back("no label is known" + where +
                   (trains ? ": nothing can be learnt" : ": nothing can be judged"));
    return;
  }
  if (!missing.known.empty())
    out->push_back("labels that are unknown (empty)" + where + ": " + listed(missing.known) +
                   (trains ? ": they are left out of the loss" : effect));
  if (!missing.positives.empty())
    out->push_back("labels without a positive" + where + ": " + listed(missing.positives) +
                   (trains ? ": they can only be learnt as absent" : effect));
  if (!missing.negatives.empty())
    out->push_back("labels without a negative" + where + ": " + listed(missing.negatives) +
                   (trains ? ": they can only be learnt as present" : effect));
}

/// How a key and one that may come before it name one fold; "" where they do not.
std::string shared_fold(const Recipe& r, const std::string& key, const std::string& before) {
  const Strings folds = r.words(key), others = r.words(before);
  for (auto at = folds.begin(); at != folds.end(); ++at) {
    const std::string fold = key + " names fold \"" + printable(*at, 80) + "\"";
    if (key == before && std::count(folds.begin(), at, *at) > 0) return fold + " twice";
    if (key != before && std::count(others.begin(), others.end(), *at) > 0)
      return fold + ", and so does " + before;
  }
  return "";
}

}  // namespace

Strings check_folds_apart(const Recipe& recipe) {
  Strings allowed, keys;
  for (const auto& [key, purpose] : kFoldKeys) {
    if (!recipe.value(key)) continue;  // no key of this task
    keys.push_back(key);
    for (const std::string& before : keys) {
      const std::string shared = shared_fold(recipe, key, before);
      if (shared.empty()) continue;
      // A film that trains twice an epoch is no leak that could be allowed.
      const bool leak = key != before;
      CAWE_CHECK(leak && recipe.flag("allow_leak"), Code::usage, recipe.where(key),
                 shared.substr(std::string(key).size()), " (expected a fold in one of these keys, once",
                 leak ? "; --allow-leak goes on and says so in what it writes)" : ")");
      allowed.push_back(kLeakAllowed + shared);
    }
  }
  return allowed;
}

Strings empty_folds(const Recipe& r, const data::Split& split) {
  Strings out;
  const auto nobody_in = [&](const char* key) { return fold_indices(split, r.words(key)).empty(); };
  const Strings test = r.words("data.test_folds");
  const bool none_wanted =
      r.word("data.split") == "patient" && r.number("data.test") == 0 && r.word("data.test_csv").empty();
  if (!test.empty() && !none_wanted && nobody_in("data.test_folds"))
    out.push_back("no film is in a test fold (" + listed(test) + "): nothing is tested");
  const int64_t every = r.whole("train.eval_every");
  if (every > 0 && nobody_in("data.val_folds"))
    out.push_back(detail::concat("no film is in a validation fold: the last checkpoint is used, although ",
                                 "train.eval_every is ", every,
                                 r.whole("train.patience") > 0 ? ", and train.patience stops nothing" : ""));
  return out;
}

std::vector<std::string> data_warnings(const Recipe& recipe, const data::Dataset& dataset,
                                       const data::Split& split, bool drawn_by_recipe) {
  Strings out;
  const bool detector = recipe.value("augment.min_visible").has_value();
  const bool classifier = recipe.task() == "classifier" && !dataset.label_names.empty();
  if (detector) warn_of_missing_rows(recipe, dataset, split, &out);
  if (detector) warn_of_categories(recipe, dataset, &out);
  if (drawn_by_recipe) warn_of_unread_folds(recipe, split, &out);
  for (const Part& part : parts_of(recipe, split)) {
    if (detector) warn_of_boxes(dataset, part, &out);
    if (classifier) warn_of_labels(dataset, part, &out);
  }
  return out;
}

}  // namespace cawe::train
