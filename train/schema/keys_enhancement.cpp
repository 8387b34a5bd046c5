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

void attention_keys(Table& t) {
  const models::CaweSettings usual;
  const auto word = [&](const char* name, const char* otherwise, const Strings& choices, const char* open,
                        const char* help) {
    Row row = t.word(name).on(kChain, otherwise).one_of(choices).open(open).help(help);
    in_chain(row, name);
  };
  const auto words = [&](const char* name, const char* open, const char* help) {
    Row row = t.words(name).on(kChain, Strings()).open(open).help(help);
    in_chain(row, name);
  };
  const auto flag = [&](const char* name, bool otherwise, const char* open, const char* help) {
    Row row = t.flag(name).on(kChain, otherwise).open(open).help(help);
    in_chain(row, name);
  };
  word("cam.method", models::name(usual.method), models::cam_method_names(), "another attention",
       "how the classifier's attention is read; `cawe`: the paper's Eq. 1 and 2");
  Row input = t.whole("cam.input")
                  .on(kChain, -1)
                  .from(-1, 4096)
                  .unit("px")
                  .open("resolution of the map")
                  .help("side at which the classifier sees the film; -1: its own, 0: the film's");
  in_chain(input, "cam.input");
  Row threshold = t.number("cam.act_threshold")
                      .on(kChain, usual.act_threshold)
                      .from(0, 1)
                      .open("when a class is active")
                      .help("a class is active where its sigmoid reaches this");
  in_chain(threshold, "cam.act_threshold");
  word("cam.if_none", models::name(usual.if_none), models::empty_set_names(), "when no class is active",
       "no active class: the likeliest one, all, or a map of zeros");
  words("cam.exclude_labels", "classes that never count", "labels that are never active: `[\"No Finding\"]`");
  words("cam.targets", "classes that always count", "these labels, active or not");
  word("cam.norm", models::name(usual.norm), models::map_norm_names(),
       "scale of the map before fusion (the paper's Eq. 7)",
       "how the map comes to [0, 1]: its least value becomes 0 and its largest 1, or it is divided by its "
       "largest");
  word("cam.constant", models::name(usual.constant), models::constant_map_names(),
       "scale of the map before fusion (the paper's Eq. 7)", "what a constant map becomes");
  flag("cam.norm_before_resize", usual.norm_before_resize,
       "scale of the map before fusion (the paper's Eq. 7)",
       "scaled before up-sampling, as pytorch-grad-cam does, so that the map may miss 0 and 1");
  flag("cam.closed_form", usual.closed_form, "",
       "the paper's Eq. 1 in closed form; false: by automatic differentiation");
}

void number(Table& t, const std::string& name, double otherwise, double low, double high,
            const std::string& open, const std::string& help) {
  Row row = t.number(name).on(kChain, otherwise).from(low, high).open(open).help(help);
  in_chain(row, name);
}
void whole(Table& t, const std::string& name, int64_t otherwise, double low, double high,
           const std::string& open, const std::string& help) {
  Row row = t.whole(name).on(kChain, otherwise).from(low, high).open(open).help(help);
  in_chain(row, name);
}
void choice(Table& t, const std::string& name, const Strings& choices, const std::string& open,
            const std::string& help) {  // the first is the default
  Row row = t.word(name).on(kChain, choices.front()).one_of(choices).open(open).help(help);
  in_chain(row, name);
}

void method_keys(Table& t) {
  const models::EnhancerOptions usual;
  const char *const afda = "AFDA's \"default parameters\"", *const medga = "MedGA's \"default parameters\"";
  whole(t, "clahe.tiles", usual.clahe.tiles_x, 1, 256, "", "tiles along each side");
  number(t, "clahe.clip_limit", usual.clahe.clip_limit, 0, 1e6, "",
         "a bin holds at most so many times its mean; 0: no limit");
  number(t, "afda.vmax", usual.afda.v_max, 0, 0.999, afda, "largest order");
  choice(t, "afda.mask", {"none", "otsu"}, afda,
         "which gradients count: all, or those at or above Otsu's threshold of the film");
  choice(t, "afda.range", {"clip", "minmax"}, afda, "the result is clipped to 0..255 or stretched");
  choice(t, "medga.form", {"article", "reference"}, medga, "form of the fitness, see Enhancements");
  choice(t, "medga.mut", {"uniform", "side"}, medga,
         "a mutated gene falls anywhere, or on its side of the threshold");
  whole(t, "medga.population", usual.medga.population, 2, 100000, medga, "individuals of the search");
  whole(t, "medga.generations", usual.medga.generations, 1, 100000, medga, "rounds of the search");
  whole(t, "medga.tournament", usual.medga.tournament, 1, 100000, medga, "individuals that compete");
  number(t, "medga.crossover_rate", usual.medga.crossover_rate, 0, 1, medga, "share of crossed pairs");
  number(t, "medga.mutation_rate", usual.medga.mutation_rate, 0, 1, medga, "share of mutated genes");
  whole(t, "medga.seed", int64_t(usual.seed), 0, kMost, "", "seed of the search");
  number(t, "centre.sigma", usual.centre_sigma, 1e-3, 1e3, "",
         "width of the centre control's Gaussian, as a share of each side");
  number(t, "colormap.saturation", usual.colormap_saturation, 0, 1, "", "saturation of the fixed colour map");
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
                       .on(kChain, "")
                       .help("run or checkpoint of the classifier whose attention is used");
  classifier.only_if_given("enhance.method").unlisted().in(kClassifier);
  classifier.only("enhance.method", methods_with(&models::EnhancerNeeds::classifier));
  Row colorizer =
      t.word("enhance.colorizer").on(kChain, "").help("run or checkpoint of the colorizer that colours");
  colorizer.only_if_given("enhance.method").unlisted().in(kClassifier);
  colorizer.only("enhance.method", methods_with(&models::EnhancerNeeds::colorizer));
  t.word("control")
      .on(kDetectors, "none")
      .one_of({"none", "shuffled"})
      .help("`shuffled`: every film gets another person's map");
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
