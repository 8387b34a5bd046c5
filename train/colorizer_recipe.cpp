// SPDX-License-Identifier: Apache-2.0
#include "train/colorizer_recipe.h"

#include <algorithm>
#include <cmath>

#include "models/colorizer/deoldify_names.h"
#include "tensor/backend.h"
#include "train/checkpoint.h"
#include "train/loss_scale.h"
#include "train/model_recipe.h"
#include "train/source_weights.h"

namespace cawe::train {

using models::Phi;

models::GeneratorConfig generator_from(const Recipe& recipe) {
  models::GeneratorConfig c;
  c.depth = int(recipe.whole("model.depth"));
  c.width = recipe.whole("model.width");
  return c;
}

models::CriticConfig critic_from(const Recipe& recipe) {
  models::CriticConfig c;
  c.width = recipe.whole("gan.critic_width");
  c.dropout = recipe.number("gan.dropout");
  return c;
}

models::ContentConfig content_from(const Recipe& recipe) {
  models::ContentConfig c = models::content_config(models::phi(recipe.word("gan.phi")));
  c.depth = int(recipe.whole("gan.phi_depth"));
  c.width = recipe.whole("gan.phi_width");
  c.per_channel = recipe.word("gan.phi_norm") == "chw";
  if (c.phi == Phi::none) return c;  // one --set turns a recipe's phi off: its other keys then say nothing
  c.loss = recipe.word("gan.phi_loss") == "mse" ? models::PhiLoss::mse : models::PhiLoss::l1;
  c.layers = recipe.words("gan.phi_layers");
  c.weights = recipe.numbers("gan.phi_weights");
  CAWE_CHECK(c.layers.size() == c.weights.size() && !c.layers.empty(), recipe.blame("gan.phi_weights"),
             recipe.where("gan.phi_weights"), ": ", c.weights.size(), " weights for ", c.layers.size(),
             " of gan.phi_layers (expected as many, one at least)");
  return c;
}

GanSettings gan_from(const Recipe& recipe) {
  GanSettings s;
  s.adv_weight = recipe.number("gan.adv_weight");
  s.ttur = recipe.number("gan.ttur");
  s.adaptive = recipe.word("gan.alternate") == "adaptive";
  s.threshold = recipe.number("gan.threshold");
  s.d_steps = recipe.whole("gan.d_steps");
  s.g_steps = recipe.whole("gan.g_steps");
  s.weight_decay = recipe.number("train.weight_decay");
  s.clip = recipe.number("train.clip");
  return s;
}

std::vector<GanPhase> phases_from(Recipe& recipe, int64_t images) {
  std::vector<GanPhase> phases;
  int64_t at = 0;
  for (const std::string& name : recipe.words("phases")) {
    const std::string key = "phase." + name + ".";
    GanPhase p;
    p.name = name;
    const std::string kind = recipe.word(key + "train");
    p.kind = kind == "critic" ? GanPhase::Kind::critic
             : kind == "gan"  ? GanPhase::Kind::gan
                              : GanPhase::Kind::generator;
    p.freeze_encoder = recipe.flag(key + "freeze_encoder");
    p.size = recipe.whole(key + "size");
    CAWE_CHECK(kind == "generator" || p.size >= 64, Code::usage, recipe.where(key + "size"), " is ", p.size,
               " (expected 64 or more where the critic looks)");
    p.batch = recipe.whole(key + "batch");
    const double epochs = recipe.number(key + "epochs");
    recipe.fill(key + "steps", std::max<int64_t>(1, std::llround(epochs * double(images) / double(p.batch))));
    p.steps = recipe.whole(key + "steps");
    p.lr = recipe.number(key + "lr");
    p.lr_first = recipe.number(key + "lr_first");
    p.rise = recipe.number(key + "rise");
    p.begin = at;
    at += p.steps;
    if (p.steps > 0) phases.push_back(p);
  }
  CAWE_CHECK(!phases.empty(), Code::usage, recipe.where("phases"),
             ": no phase has a step (expected one that has)");
  return phases;
}

models::ColorSettings color_from(Recipe& recipe, const models::ColorSettings& otherwise) {
  recipe.fill("color.render_factor", otherwise.render_factor);
  recipe.fill("color.keep_luma", otherwise.keep_luma);
  recipe.fill("color.saturation", otherwise.saturation);
  recipe.fill("color.space", std::string(models::name(otherwise.space)));
  return color_from(recipe);
}

models::ColorSettings color_from(const Recipe& recipe) {
  models::ColorSettings s;
  s.render_factor = recipe.whole("color.render_factor");
  s.keep_luma = recipe.flag("color.keep_luma");
  s.saturation = recipe.number("color.saturation");
  CAWE_CHECK(s.keep_luma || s.saturation == 1, recipe.blame("color.saturation"),
             recipe.where("color.saturation"), " is ", s.saturation,
             " with color.keep_luma = false (expected 1: the image is the network's own)");
  s.space = models::color_space(recipe.word("color.space"));
  return s;
}

namespace {

void load_generator(models::Generator& generator, const SourceWeights& source, const std::string& path) {
  if (models::is_deoldify_generator(source.tensors)) {
    models::load_weights(generator, models::from_deoldify_generator(source.tensors), {}, path);
  } else if (source.task == "colorizer") {
    models::load_weights(generator, source.tensors, {}, path);
  } else {
    models::LoadOptions options;
    options.skip = {"fc."};
    models::load_weights(generator.encoder(), source.tensors, options, path);
  }
}

}  // namespace

ColorizerInit initialise_colorizer(models::Generator& generator, models::Critic& critic,
                                   models::ContentLoss& content, const Recipe& recipe, uint64_t seed) {
  ColorizerInit result;
  generator.initialise(seed);
  critic.initialise(seed + 1);
  const std::string init = recipe.word("init"), phi = recipe.word("gan.phi_init");
  if (init != "random") {
    const SourceWeights source = read_source_weights(weights_named(recipe, "init"));
    load_generator(generator, source, init);
    result.init_hash = source.hash;
    result.manifest += source.manifest;
  }
  if (!phi.empty() && content.config().phi != Phi::none) {
    const SourceWeights source = read_source_weights(weights_named(recipe, "gan.phi_init"));
    content.load(source.tensors, phi);
    result.phi_hash = source.hash;
    if (phi != init) result.manifest += source.manifest;
  }
  CAWE_CHECK(content.config().phi == Phi::none || !phi.empty(), Code::usage, recipe.where("gan.phi"),
             " is \"", models::name(content.config().phi),
             "\", which needs gan.phi_init (a classifier run or torchvision's weights): a random network's "
             "maps say nothing of an image. gan.phi = \"none\" is plain L1");
  const DType computed = precision_from(recipe).dtype;
  generator.to(compute_device(), computed);
  critic.to(compute_device(), computed);
  content.to(compute_device(), computed);
  return result;
}

LoadedColorizer parse_colorizer(const std::string& bytes, const std::string& source) {
  const Checkpoint c = parse_checkpoint(bytes, source);
  const Recipe recipe = Recipe::of_checkpoint(c.recipe, source + " (its recipe)");
  CAWE_CHECK(recipe.task() == "colorizer", Code::data, source, ": a checkpoint of task \"", recipe.task(),
             "\" (expected a colorizer)");
  LoadedColorizer out;
  out.bytes = bytes;
  out.net = with_weights(c.model(), source,
                         [&] { return std::make_shared<models::Generator>(generator_from(recipe)); });
  out.net->to(compute_device());
  out.net->train(false);
  out.settings = color_from(recipe);
  out.patients = data::parse_manifest("colorizer " + source, c.manifest);
  return out;
}

LoadedColorizer load_colorizer(const std::string& path) {
  return parse_colorizer(checkpoint_bytes(load_run_or_file(path).model_alone()), path);
}

}  // namespace cawe::train
