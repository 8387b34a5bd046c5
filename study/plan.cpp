// SPDX-License-Identifier: Apache-2.0
#include "study/plan.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "models/enhance/enhancer.h"
#include "tensor/io/format.h"
#include "tensor/text.h"
#include "train/detector_recipe.h"
#include "train/enhancing.h"

namespace cawe::study {
namespace {

namespace fs = std::filesystem;

bool contains(const Strings& list, const std::string& word) {
  return std::count(list.begin(), list.end(), word) > 0;
}

/// Throws unless every word of the key's list is one that the study has.
void check_all(const Recipe& recipe, const std::string& key, const Strings& given, const Strings& known) {
  for (const std::string& word : given)
    CAWE_CHECK(contains(known, word), Code::usage, recipe.where(key), " names \"", word,
               "\" (expected one of ", train::joined(known), ")");
}

/// Splits "a,[b,c],d" into three values: a comma inside brackets belongs to a value.
Strings split_values(const std::string& text) {
  Strings parts{""};
  int depth = 0;
  for (const char c : text) {
    depth += (c == '[') - (c == ']');
    if (c == ',' && depth == 0)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

std::vector<RowPlan> ablations(const Recipe& recipe, const Strings& detectors, const Strings& methods) {
  const std::string ablate = recipe.word("ablate"), row = recipe.word("ablate_row");
  if (ablate.empty()) return {};
  const size_t equals = ablate.find('='), slash = row.find('/');
  CAWE_CHECK(equals != std::string::npos && equals > 0, Code::usage, recipe.where("ablate"), " is \"", ablate,
             "\" (expected key=a,b,c)");
  CAWE_CHECK(slash != std::string::npos, Code::usage, recipe.where("ablate_row"), " is \"", row,
             "\" (expected DETECTOR/ENHANCEMENT, e.g. retinanet/cawe)");
  const std::string key = ablate.substr(0, equals);
  CAWE_CHECK(
      key != "seed" && key.compare(0, 5, "froc.") != 0, Code::usage, recipe.where("ablate"), " is \"", ablate,
      key == "seed" ? "\": seeds are the study's own (expected seeds = [0, 1, …])"
                    : "\": all rows are judged by one rule (expected a key of training; a study of its own "
                      "with --set froc.… judges by another)");
  RowPlan plan{row.substr(0, slash), "", row.substr(slash + 1), RowKind::ablation};
  check_all(recipe, "ablate_row", {plan.detector}, detectors);
  check_all(recipe, "ablate_row", {plan.method}, methods);
  std::vector<RowPlan> plans;
  for (const std::string& value : split_values(ablate.substr(equals + 1))) {
    CAWE_CHECK(!value.empty(), Code::usage, recipe.where("ablate"), " is \"", ablate,
               "\": a value is empty (expected key=a,b,c)");
    plan.overrides = {ablate.substr(0, equals + 1) + value};
    plan.enhancement = plan.method + " " + plan.overrides[0];
    plans.push_back(plan);
  }
  return plans;
}

/// A control by its name: an enhancement; "shuffled" or "shuffled:METHOD", another person's map in place of the film's
/// own; "dose=Q" or "dose=Q:METHOD", a map of which the share Q shows the true boxes.
RowPlan control_row(const Recipe& recipe, const std::string& detector, const std::string& name,
                    const Strings& methods) {
  RowPlan plan{detector, name, name, RowKind::control};
  const size_t colon = name.find(':');
  const std::string kind = name.substr(0, colon);
  const bool dose = kind.compare(0, 5, "dose=") == 0;
  if (kind == "shuffled" || dose) {
    plan.method = colon == std::string::npos ? "cawe" : name.substr(colon + 1);
    plan.control = dose ? "dose" : kind;
  }
  if (dose) {
    double share = -1;
    CAWE_CHECK(parse_number(kind.substr(5), &share) && share >= 0 && share <= 1, Code::usage,
               recipe.where("controls"), " names \"", name, "\" (expected dose=Q with Q from 0 to 1)");
    // 0.5 and 0.50 are one row.
    plan.overrides = {"dose.quality=" + shortest(share)};
    plan.enhancement = "dose=" + shortest(share) + (colon == std::string::npos ? "" : name.substr(colon));
  }
  Strings known = methods;
  known.insert(known.end(), {"shuffled", "shuffled:METHOD", "dose=Q", "dose=Q:METHOD"});
  CAWE_CHECK(contains(methods, plan.method), Code::usage, recipe.where("controls"), " names \"", name,
             "\" (expected one of ", train::joined(known), ")");
  return plan;
}

/// Seeds that the study does not have yet, one for each of its own.
std::vector<int64_t> other_seeds(const std::vector<int64_t>& seeds) {
  std::vector<int64_t> others;
  const int64_t beyond = *std::max_element(seeds.begin(), seeds.end()) / 1000 * 1000 + 1000;
  for (size_t k = 0; k < seeds.size(); ++k) others.push_back(beyond + int64_t(k));
  return others;
}

void plan_rows(const Recipe& recipe, StudySettings* s) {
  Strings given;
  for (const std::string& d : train::detector_tasks())
    if (const std::string file = recipe.word(d); !file.empty()) {
      s->recipes[d] = file;
      given.push_back(d);
    }
  CAWE_CHECK(!given.empty(), Code::usage, recipe.source(), ": no detector (expected a recipe under ",
             train::joined(train::detector_tasks()), ")");
  const Strings detectors = recipe.words("detectors"), rows = recipe.words("rows"),
                controls = recipe.words("controls"), control_detectors = recipe.words("control_detectors");
  check_all(recipe, "detectors", detectors, given);
  for (const std::string& d : given)
    if (!contains(detectors, d)) s->recipes.erase(d);
  CAWE_CHECK(rows[0] == "none", Code::usage, recipe.where("rows"),
             " must begin with \"none\": the others are compared with it");
  check_all(recipe, "control_detectors", control_detectors, detectors);
  for (const std::string& d : detectors)
    for (const std::string& row : rows) s->rows.push_back({d, row, row, RowKind::paper});
  const Strings methods = models::enhancer_names();
  for (const std::string& d : control_detectors)
    for (const std::string& c : controls) s->rows.push_back(control_row(recipe, d, c, methods));
  if (recipe.flag("again"))
    for (const std::string& d : detectors) s->rows.push_back({d, "aa", "none", RowKind::again});
  for (const RowPlan& plan : ablations(recipe, detectors, methods)) s->rows.push_back(plan);
  for (RowPlan& plan : s->rows) plan.seeds = plan.kind == RowKind::again ? other_seeds(s->seeds) : s->seeds;
  // Another person's map alone is one arm by either name.
  std::set<std::string> shuffled;
  for (const RowPlan& plan : s->rows)
    if (plan.control == "shuffled" || (plan.control == "dose" && plan.overrides[0] == "dose.quality=0"))
      CAWE_CHECK(shuffled.insert(plan.detector + " " + plan.method).second, Code::usage,
                 recipe.where("controls"),
                 " holds shuffled and dose=0 of one method (expected one of them: they are the same row)");
  std::set<std::string> folders;
  for (const RowPlan& plan : s->rows)
    CAWE_CHECK(folders.insert(plan.folder()).second, Code::usage, recipe.source(), ": two rows would be \"",
               plan.folder(), "\" (expected different rows, controls and values of ablate)");
}

/// A value that is ablated stands in its row's folder name, which a file system does not take at any length.
void check_folder_names(const Recipe& recipe, const StudySettings& s) {
  constexpr size_t kLongest = 255;
  for (const RowPlan& plan : s.rows)
    for (const int64_t seed : plan.seeds) {
      const std::string name = plan.run(seed, s.folds - 1);
      CAWE_CHECK(name.size() <= kLongest, Code::usage, recipe.where("ablate"), ": the folder of row \"",
                 printable(plan.enhancement, 80), "\" would have a name of ", name.size(),
                 " bytes (expected up to ", kLongest, "; a link can give a file a shorter name)");
    }
}

}  // namespace

std::string RowPlan::folder() const {
  std::string name = detector + "-" + enhancement;
  for (char& c : name)
    if (c == '/' || c == ' ' || c == ':') c = '_';
  return name;
}

std::string RowPlan::run(int64_t seed, int64_t fold) const {
  return folder() + "-" + std::to_string(seed) + (fold < 0 ? "" : "-fold" + std::to_string(fold));
}

bool StudySettings::has_classifier() const {
  return (pretrained && pretrain.empty()) || std::any_of(rows.begin(), rows.end(), [](const RowPlan& r) {
           return train::needs_classifier(r.method);
         });
}

bool StudySettings::has_colorizer() const {
  return std::any_of(rows.begin(), rows.end(),
                     [](const RowPlan& r) { return train::needs_colorizer(r.method); });
}

std::string in_fold(std::string name, int64_t fold) {
  const std::string number = std::to_string(std::max<int64_t>(fold, 0));
  for (size_t at; (at = name.find(kFold)) != std::string::npos;)
    name.replace(at, std::string(kFold).size(), number);
  return name;
}

StudySettings study_settings(const Recipe& recipe) {
  StudySettings s;
  s.title = recipe.word("title");
  s.demonstration = recipe.flag("demonstration");
  s.paper = recipe.flag("paper");
  s.allow_leak = recipe.flag("allow_leak");
  for (const double seed : recipe.numbers("seeds")) {
    CAWE_CHECK(seed == std::floor(seed), Code::usage, recipe.where("seeds"), " holds ", seed,
               " (expected whole numbers)");
    CAWE_CHECK(std::count(s.seeds.begin(), s.seeds.end(), int64_t(seed)) == 0, Code::usage,
               recipe.where("seeds"), " holds ", seed, " twice (expected different seeds)");
    s.seeds.push_back(int64_t(seed));
  }
  plan_rows(recipe, &s);
  // A path relative to the study's recipe if that exists, else as it is given.
  const auto file = [&](const std::string& key) {
    const std::string name = recipe.word(key);
    const std::string near = (fs::path(recipe.source()).parent_path() / name).string();
    return !name.empty() && fs::exists(in_fold(near, 0)) ? near : name;
  };
  for (auto& [detector, path] : s.recipes) path = file(detector);
  s.classifier = file("classifier");
  s.pretrain = file("pretrain");
  s.colorizer = file("colorizer");
  s.colorizer_pretrain = file("colorizer_pretrain");
  s.extra = file("extra");
  s.pretrained = recipe.flag("pretrained");
  s.detector_set = recipe.words("set");
  s.classifier_set = recipe.words("classifier_set");
  s.colorizer_set = recipe.words("colorizer_set");
  s.panels = recipe.whole("panels");
  s.folds = recipe.whole("folds");
  s.fold_scores = fold_scores(recipe.word("fold_scores"));
  check_folder_names(recipe, s);
  s.options.froc = train::froc_from(recipe);
  s.options.draws = recipe.whole("boot.draws");
  s.options.seed = uint64_t(recipe.whole("boot.seed"));
  CAWE_CHECK(!s.has_classifier() || !s.classifier.empty(), Code::usage, recipe.source(),
             ": classifier is missing (a recipe or a trained run; rows, controls or pretrained need it)");
  CAWE_CHECK(!s.has_colorizer() || !s.colorizer.empty(), Code::usage, recipe.source(),
             ": colorizer is missing (a recipe or a trained run; rows that colour need it)");
  return s;
}

}  // namespace cawe::study
