// SPDX-License-Identifier: Apache-2.0
// Keys of what films go through before a detector sees them.
#include <algorithm>

#include "models/enhance/enhancer.h"
#include "train/schema/table.h"

namespace cawe::train {
namespace {

constexpr TaskBits kChain = kClassifier | kDetectors | kEnhance;
constexpr TaskBits kNotColorizer = ~kColorizer;

/// Methods that read a section of a recipe.
std::function<Strings()> readers_of(const std::string& section) {
  return [section] {
    Strings methods;
    for (const std::string& name : models::enhancer_names()) {
      const Strings sections = models::enhancer_needs(name).sections;
      if (std::find(sections.begin(), sections.end(), section) != sections.end()) methods.push_back(name);
    }
    return methods;
  };
}

std::function<Strings()> methods_with(bool models::EnhancerNeeds::*need) {
  return [need] {
    Strings methods;
    for (const std::string& name : models::enhancer_names())
      if (models::enhancer_needs(name).*need) methods.push_back(name);
    return methods;
  };
}

/// A classifier that sees enhanced films is a body for detectors that do. Others have none of these keys in
/// their resolved recipe.
Row& in_chain(Row& row, const std::string& name) {
  row.only_if_given("enhance.method").unlisted().in(kClassifier);
  return row.only("enhance.method", readers_of(name.substr(0, name.find('.')))).in(kNotColorizer);
}

/// Which classes count. Where they are named (cam.targets) nobody asks which ones are active.
void active_set_keys(Table& t) {
  const models::CaweSettings usual;
  const auto unless_named = [](Row& row, const char* name) -> Row& {
    in_chain(row, name);
    return row.only("cam.targets", {"[]"});
  };
  Row threshold = t.number("cam.act_threshold")
                      .on(kChain, usual.act_threshold)
                      .from(0, 1)
                      .open("when a class is active")
                      .help("a class is active where its sigmoid reaches this");
  unless_named(threshold, "cam.act_threshold");
  Row if_none = t.word("cam.if_none")
                    .on(kChain, models::name(usual.if_none))
                    .one_of(models::empty_set_names())
                    .open("when no class is active")
                    .help("no active class: the likeliest one, all, or a map of zeros");
  unless_named(if_none, "cam.if_none");
  Row exclude = t.words("cam.exclude_labels")
                    .later(kChain, "the classifier's labels that say that nothing was found")
                    .open("classes that never count")
                    .help(
                        "labels that are never active; unless they are given, \"No Finding\", \"Normal\" and "
                        "\"Healthy\" where the classifier has them. `[]`: every label may be");
  in_chain(exclude, "cam.exclude_labels").unlisted();
  exclude.only("cam.targets", {"[]"}).unlisted();
  Row targets = t.words("cam.targets")
                    .on(kChain, Strings())
                    .open("classes that always count")
                    .help("these labels, active or not");
  in_chain(targets, "cam.targets");
}

void attention_keys(Table& t) {
  const models::CaweSettings usual;
  const auto word = [&](const char* name, const char* otherwise, const Strings& choices, const char* open,
                        const char* help) {
    Row row = t.word(name).on(kChain, otherwise).one_of(choices).open(open).help(help);
    in_chain(row, name);
  };
  const auto flag = [&](const char* name, bool otherwise, const char* open, const char* help) {
    Row row = t.flag(name).on(kChain, otherwise).open(open).help(help);
    in_chain(row, name);
  };
  word("cam.method", models::name(usual.method), models::cam_method_names(), "another attention",
       "how the classifier's attention is read; `cawe`: the paper's Eq. 1 and 2; the others: models/cawe.h");
  Row input = t.whole("cam.input")
                  .on(kChain, -1)
                  .from(-1, 4096)
                  .unit("px")
                  .open("resolution of the map")
                  .help("side at which the classifier sees the film; -1: its own, 0: the film's");
  in_chain(input, "cam.input");
  active_set_keys(t);
  word("cam.norm", models::name(usual.norm), models::map_norm_names(),
       "scale of the map before fusion (the paper's Eq. 7)",
       "how the map comes to [0, 1]: its least value becomes 0 and its largest 1 (minmax), it is divided by "
       "its largest (max), or "
       "taken as it is and cut at 1 (none)");
  word("cam.constant", models::name(usual.constant), models::constant_map_names(),
       "scale of the map before fusion (the paper's Eq. 7)", "what a constant map becomes");
  flag("cam.norm_before_resize", usual.norm_before_resize,
       "scale of the map before fusion (the paper's Eq. 7)",
       "scaled before up-sampling only, so that the map may miss 0 and 1");
  flag("cam.closed_form", usual.closed_form, "",
       "the paper's Eq. 1 in closed form; false: by automatic differentiation");
}

TaskBits tasks_with(const models::MethodKey& key) { return key.learning_only ? kChain & ~kEnhance : kChain; }

/// What methods alone read: each brings its keys along (models/enhance/method.h).
void method_keys(Table& t) {
  for (const models::Method& method : models::methods())
    for (const models::MethodKey& key : method.keys) {
      Row row = std::holds_alternative<double>(key.otherwise)    ? t.number(key.name)
                : std::holds_alternative<int64_t>(key.otherwise) ? t.whole(key.name)
                                                                 : t.word(key.name);
      std::visit([&](const auto& value) { row.on(tasks_with(key), value); }, key.otherwise);
      if (std::holds_alternative<std::string>(key.otherwise))
        row.one_of(key.choices);
      else
        row.from(key.low, key.high);
      row.open(key.open).help(key.help);
      in_chain(row, key.name);
    }
}

void color_keys(Table& t) {
  const auto own = "the colorizer's";
  const auto in_colors = [](Row& row) {
    row.only_if_given("enhance.method").unlisted().in(kClassifier);
    row.only("enhance.method", readers_of("color")).unlisted().in(kNotColorizer);
  };
  const models::ColorSettings usual;
  Row factor = t.whole("color.render_factor")
                   .on(kColorizer, rendered_as_trained, "a 16th of image.width")
                   .later(kChain, own)
                   .from(1, 256)
                   .unit("16 px")
                   .open("size of colorizing")
                   .help("the network sees a square of 16 times this");
  in_colors(factor);
  Row luma = t.flag("color.keep_luma")
                 .on(kColorizer, usual.keep_luma)
                 .later(kChain, own)
                 .open("luminance after colorizing")
                 .help("the film's own luminance stays");
  in_colors(luma);
  Row space = t.word("color.space")
                  .on(kColorizer, models::name(usual.space))
                  .later(kChain, own)
                  .one_of({"yuv", "lab"})
                  .open("luminance after colorizing")
                  .help("space in which colour is taken over; `lab` replaces a and b only");
  in_colors(space);
  Row saturation = t.number("color.saturation")
                       .on(kColorizer, usual.saturation)
                       .later(kChain, own)
                       .from(0, 10)
                       .open("strength of colour")
                       .help("share of the network's colour; not with keep_luma = false");
  in_colors(saturation);
}

}  // namespace

void enhancement_keys(Table& t) {
  t.group("Enhancement");
  t.word("enhance.method")
      .on(kChain, "none")
      .one_of([] { return models::enhancer_names(); })
      .only_if_given("enhance.method")
      .unlisted()
      .in(kClassifier)
      .paper("Table 1: none, AFDA, MedGA, Color, CAWE, Color+CAWE")
      .help(
          "what films go through; `uniform`, `centre` and `colormap` are controls. Of detectors, and of a "
          "classifier whose body detectors start from");
  Row classifier = t.word("enhance.classifier")
                       .file()
                       .on(kChain, "")
                       .help("run or checkpoint of the classifier whose attention is used");
  classifier.only_if_given("enhance.method").unlisted().in(kClassifier);
  classifier.only("enhance.method", methods_with(&models::EnhancerNeeds::classifier));
  Row colorizer = t.word("enhance.colorizer")
                      .file()
                      .on(kChain, "")
                      .help("run or checkpoint of the colorizer that colours");
  colorizer.only_if_given("enhance.method").unlisted().in(kClassifier);
  colorizer.only("enhance.method", methods_with(&models::EnhancerNeeds::colorizer));
  t.word("control")
      .on(kDetectors, "none")
      .one_of({"none", "shuffled", "dose"})
      .help("`shuffled`: every film gets another person's map; `dose`: a mixture of that and its true boxes");
  t.number("dose.quality")
      .on(kDetectors, 1.0)
      .from(0, 1)
      .only("control", {"dose"})
      .help("share of the true boxes in the map of `control = \"dose\"`; 0: another person's map alone");
  Row alpha = t.number("fuse.alpha")
                  .on(kChain, models::EnhancerOptions().alpha)
                  .from(0, 1)
                  .paper("0.5 (Eq. 7)")
                  .help("share of the plain film where a map is fused");
  in_chain(alpha, "fuse.alpha");
  attention_keys(t);
  method_keys(t);
  color_keys(t);
}

}  // namespace cawe::train
