// SPDX-License-Identifier: Apache-2.0
// Keys of a study.
#include "eval/bootstrap.h"
#include "models/enhance/enhancer.h"
#include "train/detector_recipe.h"
#include "train/schema/table.h"

namespace cawe::train {
namespace {

/// Detectors that the study names a recipe for.
Strings given_detectors(const Recipe& r) {
  Strings given;
  for (const std::string& detector : detector_tasks())
    if (!r.word(detector).empty()) given.push_back(detector);
  return given;
}

void model_keys_of_a_study(Table& t) {
  const auto file = [&](const char* name, const char* help) {
    t.word(name).file().on(kStudy, "").help(help);
  };
  file("faster_rcnn", "recipe of this detector; files are named relative to the study's own");
  file("retinanet", "recipe of this detector");
  t.words("detectors")
      .on(
          kStudy, [](const Recipe& r, const std::string&) { return Value(given_detectors(r)); },
          "those with a recipe")
      .one_of(detector_tasks())
      .help("which of them are in the table");
  file("classifier",
       "recipe or trained run of the classifier whose attention is used; `{fold}` in the name is the fold's "
       "number");
  file("pretrain", "recipe or trained run whose body classifier and detectors start from");
  t.flag("pretrained")
      .on(kStudy, true)
      .help("detectors start from the body of `pretrain` or of the classifier; false: from their own `init`");
  file("colorizer", "recipe or trained run of the colorizer for rows that colour");
  file("colorizer_pretrain", "recipe or trained run of a colorizer's `init` and `gan.phi_init`");
  t.words("set")
      .on(kStudy, Strings())
      .help("assignments over the detectors' recipes: `[\"train.steps=10\"]`");
  t.words("classifier_set")
      .on(kStudy, Strings())
      .help("assignments over the recipes of `classifier` and `pretrain`");
  t.words("colorizer_set")
      .on(kStudy, Strings())
      .help("assignments over the recipes of `colorizer` and `colorizer_pretrain`");
}

void row_keys(Table& t) {
  t.words("rows")
      .on(kStudy, Strings{"none", "cawe"})
      .one_of([] { return models::enhancer_names(); })
      .items(1)
      .paper("Table 1: none, AFDA, MedGA, Color, CAWE, Color+CAWE")
      .help("enhancements of each detector, `none` first");
  t.words("controls")
      .on(kStudy, Strings{"shuffled"})
      .help(
          "rows that tell what an effect comes from: an enhancement; `shuffled` or `shuffled:METHOD`, "
          "another "
          "person's map in place of the film's own (METHOD: cawe, or another that fuses its map); `dose=Q` "
          "or "
          "`dose=Q:METHOD`, a map of which the share Q (0 to 1) shows the true boxes");
  t.words("control_detectors")
      .on(
          kStudy, [](const Recipe& r, const std::string&) { return Value(r.words("detectors")); },
          "detectors")
      .one_of(detector_tasks())
      .help("detectors that the controls are made for");
  t.flag("again")
      .on(kStudy, true)
      .help(
          "a row more for each detector, plain films with other seeds (A/A): how often chance alone would be "
          "called a "
          "difference");
  t.word("ablate")
      .on(kStudy, "")
      .help("`key=a,b,c`: a row more for each value of a detector's key (`--ablate`)");
  t.word("ablate_row")
      .on(
          kStudy,
          [](const Recipe& r, const std::string&) -> std::optional<Value> {
            const Strings detectors = r.words("detectors");
            if (detectors.empty()) return std::nullopt;
            return Value(detectors.front() + "/cawe");
          },
          "the first detector's cawe row")
      .except("ablate", {""})
      .help("`DETECTOR/ENHANCEMENT` that it varies (`--ablate-row`)");
  t.numbers("seeds")
      .on(kStudy, Numbers{0})
      .from(0, 9e15)
      .items(1)
      .open("seeds")
      .help("every row is trained once for each");
  t.whole("folds").on(kStudy, 0).from(0, 1000).help(
      "cross-validation: every fold is tested once, detections are pooled; 0: the split's own");
  t.word("fold_scores")
      .on(kStudy, "pooled")
      .one_of({"pooled", "apart"})
      .except("folds", {"0"})
      .help(
          "in which order boxes of several folds' detectors are judged: `pooled`: by their scores; `apart`: "
          "by "
          "their place in their own fold, as boxes per film, so that no fold's scores count for more");
  t.word("extra").on(kStudy, "").help("recipe whose `[data]` gives lesion-free films of another source");
}

}  // namespace

void study_keys(Table& t) {
  t.group("Studies");
  t.word("title")
      .decides_nothing()
      .on(kStudy, "Lesion detection on enhanced chest films")
      .help("title of the report");
  t.flag("demonstration").on(kStudy, false).help("the report says that it is no evidence");
  t.flag("paper").on(kStudy, false).help("the published figures stand beside ours");
  model_keys_of_a_study(t);
  row_keys(t);
  t.whole("panels").on(kStudy, 6).from(0, 200).unit("films").help("films in the report's viewer");
  t.whole("boot.draws")
      .on(kStudy, eval::kDraws)
      .from(1, 1e6)
      .unit("draws")
      .open("intervals")
      .help("draws of the bootstrap");
  t.whole("boot.seed").on(kStudy, 0).from(0, kMost).open("intervals").help("seed of the bootstrap");
}

}  // namespace cawe::train
