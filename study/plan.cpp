// SPDX-License-Identifier: Apache-2.0
#include "study/plan.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "models/enhance/enhancer.h"
#include "tensor/text.h"
#include "train/detector_recipe.h"
#include "train/enhancing.h"

namespace cawe::study {
namespace {

namespace fs = std::filesystem;

bool contains(const Strings& list, const std::string& word) {
  return std::count(list.begin(), list.end(), word) > 0;
}

std::string joined(const Strings& words) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : ", ") + w;
  return out;
}

void check_all(const Recipe& recipe, const std::string& key, const Strings& given, const Strings& known) {
  for (const std::string& word : given) {
    const std::string nearest = nearest_name(word, known);
    CAWE_CHECK(contains(known, word), Code::usage, recipe.where(key), " holds \"", word, "\" (expected ",
               joined(known), ")", nearest.empty() ? "" : ". Did you mean \"" + nearest + "\"?");
  }
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

std::vector<RowPlan> ablations(Recipe& recipe, const Strings& detectors, const Strings& methods) {
  const std::string ablate = recipe.word("ablate", "");
  const std::string row = recipe.word("ablate_row", detectors.front() + "/cawe");
  if (ablate.empty()) return {};
  const size_t equals = ablate.find('='), slash = row.find('/');
  CAWE_CHECK(equals != std::string::npos && equals > 0, Code::usage, recipe.where("ablate"), " is \"", ablate,
             "\" (expected key=a,b,c)");
  CAWE_CHECK(slash != std::string::npos, Code::usage, recipe.where("ablate_row"), " is \"", row,
             "\" (expected DETECTOR/ENHANCEMENT, e.g. retinanet/cawe)");
  RowPlan plan{row.substr(0, slash), "", row.substr(slash + 1), RowKind::ablation, false, {}};
  check_all(recipe, "ablate_row", {plan.detector}, detectors);
  check_all(recipe, "ablate_row", {plan.method}, methods);
  std::vector<RowPlan> plans;
  for (const std::string& value : split_values(ablate.substr(equals + 1))) {
    plan.overrides = {ablate.substr(0, equals + 1) + value};
    plan.enhancement = plan.method + " " + plan.overrides[0];
    plans.push_back(plan);
  }
  return plans;
}

void plan_rows(Recipe& recipe, StudySettings* s) {
  const Strings methods = models::enhancer_names();
  Strings known_controls = methods, given;
  known_controls.push_back("shuffled");
  for (const std::string& d : train::detector_tasks())
    if (const std::string file = recipe.word(d, ""); !file.empty()) {
      s->recipes[d] = file;
      given.push_back(d);
    }
  CAWE_CHECK(!given.empty(), Code::usage, recipe.source(), ": no detector (expected a recipe under ",
             joined(train::detector_tasks()), ")");
  const Strings detectors = recipe.words("detectors", given);
  check_all(recipe, "detectors", detectors, given);
  const Strings rows = recipe.words("rows", {"none", "cawe"});
  check_all(recipe, "rows", rows, methods);
  CAWE_CHECK(!rows.empty() && rows[0] == "none", Code::usage, recipe.where("rows"),
             " must begin with \"none\": the others are compared with it");
  const Strings controls = recipe.words("controls", {"shuffled"});
  check_all(recipe, "controls", controls, known_controls);
  const Strings control_detectors = recipe.words("control_detectors", detectors);
  check_all(recipe, "control_detectors", control_detectors, detectors);
  for (const std::string& d : detectors)
    for (const std::string& row : rows) s->rows.push_back({d, row, row, RowKind::paper, false, {}});
  for (const std::string& d : control_detectors)
    for (const std::string& c : controls)
      s->rows.push_back({d, c, c == "shuffled" ? "cawe" : c, RowKind::control, c == "shuffled", {}});
  for (const RowPlan& plan : ablations(recipe, detectors, methods)) s->rows.push_back(plan);
  std::set<std::string> folders;
  for (const RowPlan& plan : s->rows)
    CAWE_CHECK(folders.insert(plan.folder()).second, Code::usage, recipe.source(), ": two rows would be \"",
               plan.folder(), "\" (expected different rows, controls and values of ablate)");
}

}  // namespace

std::string RowPlan::folder() const {
  std::string name = detector + "-" + enhancement;
  for (char& c : name)
    if (c == '/' || c == ' ') c = '_';
  return name;
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

StudySettings study_settings(Recipe& recipe) {
  StudySettings s;
  s.title = recipe.word("title", "Lesion detection on enhanced chest films");
  s.demonstration = recipe.flag("demonstration", false);
  s.paper = recipe.flag("paper", false);
  for (const double seed : recipe.reals("seeds", {0})) s.seeds.push_back(int64_t(seed));
  CAWE_CHECK(!s.seeds.empty(), Code::usage, recipe.where("seeds"),
             " is empty (expected at least one number)");
  plan_rows(recipe, &s);
  // A path relative to the study's recipe if that exists, else as it is given.
  const auto file = [&](const std::string& key) {
    const std::string name = recipe.word(key, "");
    const std::string near = (fs::path(recipe.source()).parent_path() / name).string();
    return !name.empty() && fs::exists(near) ? near : name;
  };
  for (auto& [detector, path] : s.recipes) path = file(detector);
  s.classifier = file("classifier");
  s.pretrain = file("pretrain");
  s.colorizer = file("colorizer");
  s.colorizer_pretrain = file("colorizer_pretrain");
  s.extra = file("extra");
  s.pretrained = recipe.flag("pretrained", true);
  s.detector_set = recipe.words("set", {});
  s.classifier_set = recipe.words("classifier_set", {});
  s.colorizer_set = recipe.words("colorizer_set", {});
  s.panels = recipe.whole("panels", 6, 0, 200);
  s.folds = recipe.whole("folds", 0, 0, 1000);
  s.options.froc = train::froc_from(recipe);
  s.options.draws = recipe.whole("boot.draws", 2000, 1, 1000000);
  s.options.seed = uint64_t(recipe.whole("boot.seed", 0, 0, INT64_MAX));
  recipe.finish();
  CAWE_CHECK(!s.has_classifier() || !s.classifier.empty(), Code::usage, recipe.source(),
             ": classifier is missing (a recipe or a trained run; rows, controls or pretrained need it)");
  CAWE_CHECK(!s.has_colorizer() || !s.colorizer.empty(), Code::usage, recipe.source(),
             ": colorizer is missing (a recipe or a trained run; rows that colour need it)");
  return s;
}

}  // namespace cawe::study
